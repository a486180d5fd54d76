"""Strategies that the evidence speaks for, and that only a person can choose: retire, and a software service first.

The policy prefers software services over platforms over infrastructure. What a workload runs is told by the names of
its hosts, packages and processes; where the price book sells a service for that at a place that its category allows, it
is proposed. Nothing is chosen here: whether a service is good enough is for the people who use it.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from blueprints.bills.catalogue import Catalogue
from blueprints.estate.view import View
from blueprints.model import Wanted
from pse.core.documents.offers import OfferKind
from pse.core.documents.plan import PlaceOption, Strategy
from pse.core.text import printable

_WORD = re.compile(r"[a-z]+")
_TELLING = {
    "code-hosting": ("gitea", "gitlab", "gogs"),
    "document-sharing": ("alfresco", "nextcloud", "owncloud", "seafile"),
    "help-desk": ("freescout", "glpi", "osticket", "otrs", "zammad"),
    "learning-management": ("lms", "moodle", "openedx", "sakai"),
    "mail": ("dovecot", "exchange", "postfix", "zimbra"),
    "meetings": ("bigbluebutton", "jitsi"),
    "wiki": ("bookstack", "confluence", "dokuwiki", "mediawiki"),
}
"""Capability of a software service, as price books name it, and the names of software that gives it today."""
_CAPABILITIES = {word: capability for capability, words in _TELLING.items() for word in words}


class Proposals:
    """Proposes; the same answer for the same inputs."""

    def __init__(self, view: View, catalogue: Catalogue) -> None:
        """Look at ``view`` for what runs, and at ``catalogue`` for what is sold."""
        self._view = view
        self._sold: defaultdict[str, set[str]] = defaultdict(set)
        for offer in catalogue.of_kind(OfferKind.SAAS):
            self._sold[offer.capability].add(offer.place)

    def of(self, wanted: Wanted, options: Iterable[PlaceOption]) -> tuple[Strategy | None, str]:
        """What is proposed for ``wanted`` and why; None for nothing.

        Args:
            wanted: The workload.
            options: Its places, with whether they are allowed.
        """
        if wanted.new:
            return None, ""
        if wanted.idle and len(wanted.idle) == len(wanted.members) and all(one.may_go for one in wanted.idle):
            return Strategy.RETIRE, "; ".join(f"{one.host} ({one.kind}): {one.evidence}" for one in wanted.idle)
        if self._sold and not wanted.declared.saas:
            allowed = {option.place for option in options if option.allowed}
            for capability, sign in sorted(self._signs(wanted)):
                places = sorted(self._sold.get(capability, set()) & allowed)
                if places:
                    words = f"{sign} speaks of {capability}, which is sold as a service at {', '.join(places)}"
                    return Strategy.SAAS, f"{words}; a software service comes before platform and infrastructure"
        return None, ""

    def _signs(self, wanted: Wanted) -> Iterator[tuple[str, str]]:
        """Capabilities that its servers seem to give, and by which sign."""
        for demand in wanted.servers:
            server = self._view.servers[demand.source]
            names = (
                ("its host name", (server.hostname.split(".")[0],)),
                ("package", server.packages),
                ("process", (listener.process for listener in self._view.listeners(server.id))),
            )
            for kind, texts in names:
                for text in texts:
                    for word in _WORD.findall(text.lower()):
                        if word in _CAPABILITIES:
                            yield _CAPABILITIES[word], f"{kind} {printable(text)} of {printable(server.hostname)}"
