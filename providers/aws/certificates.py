"""Certificates of load balancers: imported into ACM in the place's Region, one for a balancer.

A certificate carries its balancer's tags, and the balancer's ARN in one more, by which it is found: one that a run that
was killed had imported is taken up by the next, and goes with the balancer. ACM never gives a private key back.
"""

from collections.abc import Iterator
from typing import Any

from providers.aws.account import Account
from providers.aws.tags import named, plain
from providers.kit.pem import chain_of, same
from providers.ports import Identity, PortError

BALANCER = "pse-balancer"
"""Tag of a certificate: the ARN of its balancer."""
_KEYS = ["RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"]
"""Types of keys; without them ACM lists those of two types only."""


class Certificates:
    """Those of balancers.

    Args:
        account: The place.
    """

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def ensure(self, balancer: str, name: str, identity: Identity, pem: str) -> str:
        """ARN of the certificate of a balancer, imported, or imported anew where it is another by now.

        Args:
            balancer: ARN of the balancer.
            name: Its name.
            identity: Whose it is.
            pem: Chain and key.

        Raises:
            PortError: It is none, or ACM takes none such.
        """
        chain = chain_of(pem, where=name)
        found = next(self.of(balancer), "")
        if found and self.is_of(found, pem):
            return found
        words: dict[str, Any] = {"Certificate": chain.leaf.encode(), "PrivateKey": chain.key.encode()}
        if chain.rest:
            words["CertificateChain"] = chain.rest.encode()
        # One that is imported anew keeps its tags, and its ARN.
        tags = [*named(name, identity), {"Key": BALANCER, "Value": balancer}]
        words |= {"CertificateArn": found} if found else {"Tags": tags}
        return str(self._call("import_certificate", **words)["CertificateArn"])

    def is_of(self, arn: str, pem: str) -> bool:
        """Whether a certificate is that of a text; its key is not told."""
        chain = chain_of(pem, where=self._account.place)
        told = self._call("get_certificate", CertificateArn=arn)
        # Without issuers ACM may tell some of its own.
        rest = not chain.rest or same(told.get("CertificateChain", ""), chain.rest)
        return same(told["Certificate"], chain.leaf) and rest

    def of(self, balancer: str) -> Iterator[str]:
        """ARNs of those of a balancer; more than one where an answer was lost."""
        every = self._account.pages(
            "list_certificates", "CertificateSummaryList", service="acm", Includes={"keyTypes": _KEYS}
        )
        for raw in every:
            if self._balancer(raw["CertificateArn"]) == balancer:
                yield str(raw["CertificateArn"])

    def drop(self, balancer: str, *, keep: str = "") -> None:
        """Delete those of a balancer that it uses no more."""
        for arn in list(self.of(balancer)):
            if arn != keep:
                self._account.until(lambda arn=arn: self._gone(arn), what=f"{arn} to go")  # type: ignore[misc]

    def _balancer(self, arn: str) -> str:
        try:
            told = self._call("list_tags_for_certificate", CertificateArn=arn)
        except PortError as exc:
            # Gone since it was listed.
            if exc.reason != "not-found":
                raise
            return ""
        return plain(told.get("Tags", ())).get(BALANCER, "")

    def _gone(self, arn: str) -> bool | None:
        return self._account.deleted("delete_certificate", service="acm", CertificateArn=arn)

    def _call(self, operation: str, **params: Any) -> dict[str, Any]:
        return self._account.call(operation, service="acm", **params)
