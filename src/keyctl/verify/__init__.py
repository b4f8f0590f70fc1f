"""What a key may do and from where: probes, policy, rights, IP lists, the watch on our address."""
