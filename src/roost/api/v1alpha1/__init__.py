"""The kinds of `cluster.alauda.io/v1alpha1`, one file each."""
