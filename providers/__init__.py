"""Who can build it: everything between the neutral resources and a cloud.

`sdk` has the Pulumi resource classes that programs use, `engine` is the only driver of Pulumi, `plugin` is the native
provider that the engine starts, `analyzer` its policy pack; each adapter has a folder of its own, found by `registry`
and held to `conformance`. `catalog` reads offers and prices; `audit` asks the clouds afterwards. Nothing is imported
here, so that `pse --help` and the plugin start fast.
"""
