"""Discovery of lab hosts measured beside Ansible and pyinfra."""
