"""The gateway's own endpoints under /roost/v1."""
