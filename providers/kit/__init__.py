"""What adapters of clouds share: the store around a kind's own calls, waits with an end, tags, and patience.

An adapter that is written with the kit has an account (`providers.kit.account.CloudAccount`) and a `Noun` for each
kind; `providers.kit.store.CloudStore` makes a `providers.ports.Store` of them.
"""
