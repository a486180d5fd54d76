"""The policy pack: our own analyzer process, always on in preview and up.

It sees what the engine is about to register, unknown values included, and refuses what the gate refuses as mandatory.
``pulumi preview --policy-pack .pse/plugin/pack`` uses it alone, with any program.
"""
