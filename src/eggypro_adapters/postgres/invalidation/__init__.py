"""Cache invalidation across processes and hosts, by LISTEN and NOTIFY."""
