"""Lending margin funding: reads, offers, the strategies of `auto`, and what it all earned."""
