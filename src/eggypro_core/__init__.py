"""The domain of the EggyPro catalogue: attrs and the standard library, nothing else."""
