"""Things on a machine: observe, diff, apply, verify, undo; the journal of before-images. In POSIX sh."""
