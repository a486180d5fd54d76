"""A campaign of many moves that take nothing but time, through the real engine, journal, turns and PostgreSQL."""
