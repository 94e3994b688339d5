"""The creation form as a person fills it in. Called by the stories here; labels are those of the English console."""

from __future__ import annotations

from typing import Any

from tests.console.browser import Visitor


class CreationForm:
    def __init__(self, person: Visitor) -> None:
        self.person = person
        self.page = person.page

    def open(self) -> None:
        """From the list, by its button and the card."""
        self.person.button("Create cluster").first.click()
        self.page.locator("a.choice[href$=on-premises]").click()
        self.page.wait_for_selector("#f-metadata-name")

    def basics(self, name: str, host: str, version: str = "1.31.4") -> None:
        self.page.fill("#f-metadata-name", name)
        self.page.click("#f-spec-version")
        self.page.locator(".ant-select-item-option", has_text=version).click()
        self.page.fill("#f-spec-onPremises-controlPlaneEndpoint-host", host)

    def add_machine(self, address: str, password: str, *, check: bool = False) -> None:
        """By the dialog; `check` also signs in on the spot."""
        self.person.button("Add machine").click()
        dialog = self.person.dialog
        dialog.locator("#m-spec-addresses-ipv4").fill(address)
        dialog.locator("#m-password").fill(password)
        if check:
            self.person.button("Check SSH", dialog).click()
            dialog.get_by_text("The machine can be reached and used.").wait_for(timeout=60_000)
        self.person.button("Add", dialog).click()
        dialog.wait_for(state="detached")

    def review(self) -> None:
        self.person.button("Review").click()
        self.page.wait_for_url("**step=review**")
        self.page.get_by_role("heading", name="Review before creating").wait_for()

    def create(self) -> None:
        """From the review; ends on the list."""
        self.person.button("Create").click()
        self.page.wait_for_url("**/clusters")

    def errors(self) -> list[str]:
        return [str(text) for text in self.page.locator("main .field-error").all_inner_texts()]


def yaml_of(page: Any) -> str:
    """What stands in the editor beside the form, by its copy button: the editor draws the lines in sight alone."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(".yaml-pane-head").get_by_role("button", name="Copy").click()
    return str(page.evaluate("navigator.clipboard.readText()"))


def tab_to(page: Any, name: str, *, most: int = 120) -> None:
    """Presses Tab until the control of this name has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate(_NAME_OF_THE_FOCUSED) == name:
            return
    raise AssertionError(f"{name}: not reached with {most} times Tab")


# What a screen reader says first of what has the focus; the star of a required field is no part of the name.
_NAME_OF_THE_FOCUSED = """() => {
  const one = document.activeElement;
  if (!one) return "";
  const by = one.getAttribute("aria-labelledby");
  const group = one.closest("[role=radiogroup],[role=group]");
  const words = one.getAttribute("aria-label")
    || (by && document.getElementById(by)?.innerText)
    || (one.type === "radio" && group && document.getElementById(group.getAttribute("aria-labelledby"))?.innerText)
    || one.labels?.[0]?.innerText || one.innerText || "";
  return words.trim().split("\\n")[0].replace(/\\*\\s*$/, "").trim();
}"""
