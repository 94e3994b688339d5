"""Shell completion: `roost completion bash|zsh|fish` prints the script, and command names complete without click.

The protocol is click's (COMP_WORDS, COMP_CWORD, `_ROOST_COMPLETE=SHELL_complete`); everything but a command's name
is answered by click itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

SHELLS = ("bash", "zsh", "fish")


def answer_command_name(environment: Mapping[str, str], commands: Sequence[str]) -> str | None:
    """What click would print when the word to complete is the command's name; None where click has to answer."""
    shell, _, instruction = environment.get("_ROOST_COMPLETE", "").partition("_")
    if instruction != "complete" or shell not in SHELLS:
        return None
    words = environment.get("COMP_WORDS", "").split()
    if shell == "fish":
        if len(words) > 1:
            return None
        incomplete = environment.get("COMP_CWORD", "")
    else:
        if environment.get("COMP_CWORD") != "1":
            return None
        incomplete = words[1] if len(words) > 1 else ""
    if incomplete.startswith("-"):
        return None
    found = [name for name in commands if name.startswith(incomplete)]
    if shell == "zsh":
        return "".join(f"plain\n{name}\n_\n" for name in found)
    return "".join(f"plain,{name}\n" for name in found)


def __getattr__(name: str) -> object:
    # `command` needs click, which answer_command_name must not wait for.
    if name != "command":
        raise AttributeError(name)
    import click
    from click.shell_completion import get_completion_class

    from roost.cli.i18n import t

    @click.command("completion", help=t("completion.help"))
    @click.argument("shell", type=click.Choice(SHELLS))
    @click.pass_context
    def command(ctx: click.Context, shell: str) -> None:
        found = get_completion_class(shell)
        assert found is not None
        click.echo(found(ctx.find_root().command, {}, "roost", "_ROOST_COMPLETE").source())

    return command
