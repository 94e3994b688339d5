"""The embedded control plane: PKI, programs from a bundle, supervision of the children."""
