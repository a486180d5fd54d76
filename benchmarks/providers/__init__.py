"""`make bench-providers`: our plugin beside a toy of one, and what each adapter's calls cost."""
