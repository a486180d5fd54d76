"""As much of OSCAL as evidence is written in: a catalog of rules, and assessment results.

Names are OSCAL's own, without what we do not use; empty optional parts are left out. Source: NIST's OSCAL 1.2.1, models
`catalog` and `assessment-results`. The tests hold what is written against the models of compliance-trestle, which are
made from NIST's schemas; it is no dependency at run time, because it brings a dozen packages and pins others.
"""

from datetime import datetime
from typing import Literal

import msgspec

VERSION = "1.2.1"


class Oscal(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", omit_defaults=True, forbid_unknown_fields=True):
    """Base of all: kebab-case on the wire, nothing unknown."""


class Prop(Oscal, frozen=True, kw_only=True):
    """A name and a value, in our own namespace."""

    name: str
    ns: str
    value: str


class Metadata(Oscal, frozen=True, kw_only=True):
    """Of a document."""

    title: str
    last_modified: datetime
    version: str
    oscal_version: str
    props: tuple[Prop, ...] = ()


class Part(Oscal, frozen=True, kw_only=True):
    """A part of a control: its statement, its guidance."""

    id: str
    name: str
    prose: str


class Control(Oscal, frozen=True, kw_only=True):
    """One rule."""

    id: str
    title: str
    props: tuple[Prop, ...] = ()
    parts: tuple[Part, ...] = ()


class Group(Oscal, frozen=True, kw_only=True):
    """Rules of one sort."""

    id: str
    title: str
    controls: tuple[Control, ...]


class Catalog(Oscal, frozen=True, kw_only=True):
    """All rules."""

    uuid: str
    metadata: Metadata
    groups: tuple[Group, ...]


class CatalogFile(Oscal, frozen=True, kw_only=True):
    """The file of a catalog."""

    catalog: Catalog


class ImportAp(Oscal, frozen=True, kw_only=True):
    """Where the assessment plan is."""

    href: str


class Status(Oscal, frozen=True, kw_only=True):
    """Of a component."""

    state: Literal["operational", "other"]


class Component(Oscal, frozen=True, kw_only=True):
    """What was assessed: a class of workloads, or a place."""

    uuid: str
    type: str
    title: str
    description: str
    props: tuple[Prop, ...] = ()
    status: Status


class LocalDefinitions(Oscal, frozen=True, kw_only=True):
    """What the results speak of."""

    components: tuple[Component, ...]


class ControlId(Oscal, frozen=True, kw_only=True):
    """A reference to a control."""

    control_id: str


class ControlSelection(Oscal, frozen=True, kw_only=True):
    """Controls that were assessed."""

    include_controls: tuple[ControlId, ...]


class ReviewedControls(Oscal, frozen=True, kw_only=True):
    """Controls that were assessed."""

    control_selections: tuple[ControlSelection, ...]


class Subject(Oscal, frozen=True, kw_only=True):
    """What an observation is about."""

    subject_uuid: str
    type: str


class RelevantEvidence(Oscal, frozen=True, kw_only=True):
    """The member of the pack that an observation was made in."""

    href: str
    description: str


class Observation(Oscal, frozen=True, kw_only=True):
    """Something that was seen."""

    uuid: str
    title: str
    description: str
    props: tuple[Prop, ...] = ()
    methods: tuple[str, ...]
    types: tuple[str, ...]
    subjects: tuple[Subject, ...] = ()
    relevant_evidence: tuple[RelevantEvidence, ...]
    collected: datetime
    expires: datetime | None = None


class ObjectiveStatus(Oscal, frozen=True, kw_only=True):
    """Whether a rule is kept."""

    state: Literal["satisfied", "not-satisfied"]
    reason: Literal["pass", "fail", "other"]


class Target(Oscal, frozen=True, kw_only=True):
    """The statement of a rule."""

    type: Literal["statement-id"]
    target_id: str
    status: ObjectiveStatus


class RelatedObservation(Oscal, frozen=True, kw_only=True):
    """A reference to an observation."""

    observation_uuid: str


class Finding(Oscal, frozen=True, kw_only=True):
    """What the observations say of one rule."""

    uuid: str
    title: str
    description: str
    props: tuple[Prop, ...] = ()
    target: Target
    related_observations: tuple[RelatedObservation, ...] = ()


class Result(Oscal, frozen=True, kw_only=True):
    """One assessment."""

    uuid: str
    title: str
    description: str
    start: datetime
    end: datetime | None = None
    props: tuple[Prop, ...] = ()
    local_definitions: LocalDefinitions | None = None
    reviewed_controls: ReviewedControls
    observations: tuple[Observation, ...] = ()
    findings: tuple[Finding, ...] = ()


class Rlink(Oscal, frozen=True, kw_only=True):
    """Where a resource is."""

    href: str


class Resource(Oscal, frozen=True, kw_only=True):
    """A document that the results rest on."""

    uuid: str
    title: str
    description: str
    rlinks: tuple[Rlink, ...]


class BackMatter(Oscal, frozen=True, kw_only=True):
    """Documents that the results rest on."""

    resources: tuple[Resource, ...]


class AssessmentResults(Oscal, frozen=True, kw_only=True):
    """All results."""

    uuid: str
    metadata: Metadata
    import_ap: ImportAp
    results: tuple[Result, ...]
    back_matter: BackMatter


class AssessmentResultsFile(Oscal, frozen=True, kw_only=True):
    """The file of assessment results."""

    assessment_results: AssessmentResults
