"""From a plan to what stands: the program, the engine's runs, and what is held against them."""
