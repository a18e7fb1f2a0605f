"""Who may ask, how often, and for how much: keys, rates and quotas. Knows no dialect; each has its own words for no."""
