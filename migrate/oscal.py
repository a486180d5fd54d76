"""Evidence in OSCAL: each rule a control and a finding, each verdict, refusal and approval an observation.

Made from the members of a pack and nothing else, without a clock, and with ids that follow from what they stand for:
whoever verifies a pack makes the documents again and compares the bytes.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from uuid import NAMESPACE_URL, uuid5

import msgspec

from migrate.material import AUDIT, LAW, LEDGER, PLAN, VERDICTS, Material
from policy.approvals import APPROVAL
from policy.deeds import NOC, REFUSED
from policy.gatefiles import changed_law
from policy.rulebook import Kind, Rule
from pse.core import canonical
from pse.core.documents import oscal
from pse.core.documents.verdicts import Refusal, Verdict
from pse.core.text import counted, printable
from pse.core.time import KARACHI

NAMESPACE = "https://pse.example/ns/oscal"
"""Of our properties and, as a UUID, of all ids."""
_ROOT = uuid5(NAMESPACE_URL, NAMESPACE)


def catalog(material: Material) -> bytes:
    """The rules as an OSCAL catalog, in canonical bytes."""
    rules = _rules(material)
    groups = [
        ("places", "Rules that judge a class of data at a place", [rule for rule in rules if not rule.of_gate]),
        ("gate", "Rules of the gate, which judges every resource", [rule for rule in rules if rule.of_gate]),
    ]
    document = oscal.Catalog(
        uuid=_uuid("catalog", material.law.inputs["rules"]),
        metadata=_metadata(material, "Rules of the Cloud First Policy as they were applied; not legal advice"),
        groups=tuple(
            oscal.Group(id=name, title=title, controls=tuple(map(_control, some)))
            for name, title, some in groups
            if some
        ),
    )
    return canonical.encode(oscal.CatalogFile(catalog=document))


def results(material: Material) -> bytes:
    """The OSCAL assessment results, in canonical bytes."""
    observations = [*_of_verdicts(material), *_of_ledger(material), *_of_audit(material)]
    rules = _rules(material)
    ids = tuple(oscal.ControlId(control_id=_control_id(rule.id)) for rule in rules)
    plan = material.plan
    result = oscal.Result(
        uuid=_uuid("result", plan.hash, material.evidence.ledger.hash),
        title=f"Plan {plan.hash[:12]} of {_line(plan.entity)}",
        description=f"Where the data of {counted(len(plan.decisions), 'workload')} may be and is, rule by rule.",
        start=_day(plan.as_of),
        end=_moment(material),
        props=_props(
            ("plan", plan.hash),
            ("sample", str(plan.sample).lower()),
            ("changed-since", ", ".join(changed_law(material.law.inputs, material.verdicts.inputs))),
            *((f"input-{name}", digest) for name, digest in sorted(plan.inputs.items()) if digest),
        ),
        local_definitions=_components(material),
        reviewed_controls=oscal.ReviewedControls(control_selections=(oscal.ControlSelection(include_controls=ids),)),
        observations=tuple(seen for _, seen in observations),
        findings=tuple(_finding(material, rule, observations) for rule in rules),
    )
    source = _uuid("assessment-plan", plan.hash)
    document = oscal.AssessmentResults(
        uuid=_uuid("assessment-results", plan.hash, material.evidence.ledger.hash),
        metadata=_metadata(material, f"Residency of the data of {_line(plan.entity)}"),
        import_ap=oscal.ImportAp(href=f"#{source}"),
        results=(result,),
        back_matter=oscal.BackMatter(
            resources=(
                oscal.Resource(
                    uuid=source,
                    title="What is assessed",
                    description="Every rule over every class of data at every place, every attempt that a gate "
                    "refused, and every object that stands.",
                    rlinks=tuple(oscal.Rlink(href=f"../{name}") for name in (LAW, PLAN, VERDICTS)),
                ),
            )
        ),
    )
    return canonical.encode(oscal.AssessmentResultsFile(assessment_results=document))


Seen = tuple[frozenset[str], oscal.Observation]
"""Ids of the rules that an observation is about, and the observation."""


def _rules(material: Material) -> tuple[Rule, ...]:
    """All rules: those of today's law, and whatever else refused, by the words that it refused with.

    A rule may have been taken back since the plan, and two checks of our own stand in no file of rules.
    """
    said = [refusal for verdict in material.verdicts.verdicts for refusal in (*verdict.refusals, *verdict.warnings)]
    said += [refusal for some in (material.audit.refused.values() if material.audit else ()) for refusal in some]
    entries = [entry.data for entry in material.entries if entry.kind == "refusal"]
    said += [
        Refusal(**{name: str(data.get(name, "")) for name in Refusal.__struct_fields__})
        for data in entries
        if data.get("plan") == material.plan.hash
    ]
    found = {rule.id: rule for rule in material.law.rules}
    for refusal in sorted(said):
        unknown = Rule(
            id=refusal.rule,
            kind=Kind.UNKNOWN,
            text=refusal.clause,
            clause=refusal.clause,
            source=refusal.source,
            dated=material.plan.as_of,
            confidence="C",
            waivable=False,
        )
        found.setdefault(refusal.rule, unknown)
    return tuple(found[name] for name in sorted(found))


def _control(rule: Rule) -> oscal.Control:
    name = _control_id(rule.id)
    guidance = f"{rule.clause}. {rule.cited}."
    return oscal.Control(
        id=name,
        title=_line(f"{rule.id}: {rule.text}"),
        props=_props(
            ("label", rule.id),
            ("kind", rule.kind.value),
            ("effect", rule.effect.value),
            ("confidence", rule.confidence),
            ("waivable", str(rule.waivable).lower()),
            ("valid-from", str(rule.valid_from or "")),
            ("valid-to", str(rule.valid_to or "")),
        ),
        parts=(
            oscal.Part(id=f"{name}_smt", name="statement", prose=_line(rule.text)),
            oscal.Part(id=f"{name}_gdn", name="guidance", prose=_line(guidance)),
        ),
    )


def _finding(material: Material, rule: Rule, observations: list[Seen]) -> oscal.Finding:
    """What is to be said of a rule: kept, not kept where something stands, or only warned of where something goes."""
    audited = material.audit.refused.values() if material.audit else ()
    stands = sum(refusal.rule == rule.id for refusals in audited for refusal in refusals)
    used = _used(material)
    warned = [verdict.place for verdict in used if rule.id in {warning.rule for warning in verdict.warnings}]
    lifted = sorted(
        {noc for verdict in used for noc in verdict.nocs}
        & {noc.reference for noc in material.law.nocs if rule.id in noc.rules}
    )
    if stands:
        words = f"The audit found {counted(stands, 'object')} where the rule does not let it be."
        status = oscal.ObjectiveStatus(state="not-satisfied", reason="fail")
    elif warned:
        words = f"It does not hold at {', '.join(sorted(set(warned)))}, and only warns."
        status = oscal.ObjectiveStatus(state="not-satisfied", reason="other")
    elif lifted:
        words = f"It is lifted by {', '.join(lifted)}."
        status = oscal.ObjectiveStatus(state="satisfied", reason="other")
    else:
        words = "Nothing that the plan builds is against it" + (", and nothing that stands." if material.audit else ".")
        status = oscal.ObjectiveStatus(state="satisfied", reason="pass")
    name = _control_id(rule.id)
    return oscal.Finding(
        uuid=_uuid("finding", material.plan.hash, rule.id),
        title=rule.id,
        description=_line(f"{rule.text} {words}"),
        props=_props(("control", name), *(("noc", noc) for noc in lifted)),
        target=oscal.Target(type="statement-id", target_id=f"{name}_smt", status=status),
        related_observations=tuple(
            oscal.RelatedObservation(observation_uuid=seen.uuid) for rules, seen in observations if rule.id in rules
        ),
    )


def _used(material: Material) -> list[Verdict]:
    """Verdicts that the plan rests on: the class of each workload at the place chosen for it."""
    classes = material.verdicts.assignments
    chosen = {(classes.get(one.workload, ""), one.place) for one in material.plan.decisions if one.place}
    return [verdict for verdict in material.verdicts.verdicts if (verdict.class_id, verdict.place) in chosen]


def _components(material: Material) -> oscal.LocalDefinitions | None:
    workloads: dict[str, list[str]] = {known.id: [] for known in material.verdicts.classes}
    for workload, name in sorted(material.verdicts.assignments.items()):
        workloads[name].append(workload)
    classes = [
        oscal.Component(
            uuid=_uuid("class", name),
            type="service",
            title=_line(f"Class {name}"),
            description=f"{counted(len(members), 'workload')} that are equal before the rules.",
            props=_props(*(("workload", member) for member in members)),
            status=oscal.Status(state="operational"),
        )
        for name, members in sorted(workloads.items())
    ]
    places = [
        oscal.Component(
            uuid=_uuid("place", name),
            type="service",
            title=_line(f"Place {name}"),
            description="A place of the register of CSPs.",
            status=oscal.Status(state="operational"),
        )
        for name in sorted({verdict.place for verdict in material.verdicts.verdicts})
    ]
    return oscal.LocalDefinitions(components=(*classes, *places)) if classes or places else None


def _of_verdicts(material: Material) -> Iterator[Seen]:
    used = {(verdict.class_id, verdict.place) for verdict in _used(material)}
    for verdict in material.verdicts.verdicts:
        said = (*verdict.refusals, *verdict.warnings)
        seen = _observation(
            ("verdict", material.plan.hash, verdict.class_id, verdict.place),
            f"{verdict.class_id} at {verdict.place}: {'allowed' if verdict.allowed else 'refused'}",
            _words(said) or "No rule refuses it.",
            VERDICTS,
            collected=_day(material.verdicts.as_of),
            props=(
                ("verdict", "allowed" if verdict.allowed else "refused"),
                ("chosen", str((verdict.class_id, verdict.place) in used).lower()),
                *(("rule", rule) for rule in sorted({refusal.rule for refusal in said})),
                *(("noc", noc) for noc in verdict.nocs),
            ),
            subjects=(("class", verdict.class_id), ("place", verdict.place)),
        )
        expires = _day(verdict.until, end=True) if verdict.until else None
        yield frozenset(refusal.rule for refusal in said), msgspec.structs.replace(seen, expires=expires)


def _of_ledger(material: Material) -> Iterator[Seen]:
    """Refusals and approvals of this very plan; the rest of the ledger is in the pack and says more of others."""
    for entry in material.entries:
        data = entry.data
        if entry.kind not in ("refusal", REFUSED, APPROVAL, NOC) or data.get("plan") != material.plan.hash:
            continue
        rule = str(data.get("rule", ""))
        words = str(data.get("message") or data.get("why") or "")
        if entry.kind == APPROVAL:
            words = f"{data.get('by')} approved the plan ({data.get('reference')})."
        if entry.kind == NOC:
            words = f"{data.get('unit')} is at {data.get('place')} by {', '.join(map(str, data.get('nocs', ())))}."
        title = {"refusal": f"{data.get('gate')} refused {data.get('urn')}", APPROVAL: "approved", NOC: "NOC used"}
        yield (
            frozenset({rule} - {""}),
            _observation(
                ("ledger", material.plan.hash, str(entry.seq), entry.prev),
                title.get(entry.kind, f"{data.get('verb')} was refused"),
                words or "No reason is given.",
                LEDGER,
                collected=entry.at,
                props=(("entry", str(entry.seq)), ("kind", entry.kind), ("rule", rule)),
                method="INTERVIEW" if entry.kind == APPROVAL else "TEST",
            ),
        )


def _of_audit(material: Material) -> Iterator[Seen]:
    audit = material.audit
    if audit is None:
        return
    for unit, refusals in sorted(audit.refused.items()):
        yield (
            frozenset(refusal.rule for refusal in refusals),
            _observation(
                ("audit", material.plan.hash, unit),
                f"{unit} as it stands: {'refused' if refusals else 'as allowed'}",
                _words(refusals) or "Every object rests where it may.",
                AUDIT,
                collected=_day(audit.as_of),
                props=tuple(("rule", rule) for rule in sorted({refusal.rule for refusal in refusals})),
            ),
        )
    for found in audit.findings:
        yield (
            frozenset(),
            _observation(
                ("audit", material.plan.hash, found.code, found.subject, found.message),
                f"{found.code} {found.subject}",
                found.message,
                AUDIT,
                collected=_day(audit.as_of),
                props=(("code", found.code), ("severity", found.severity.value)),
            ),
        )


def _observation(
    name: tuple[str, ...],
    title: str,
    description: str,
    member: str,
    *,
    collected: datetime,
    props: Iterable[tuple[str, str]] = (),
    subjects: Iterable[tuple[str, str]] = (),
    method: str = "TEST",
) -> oscal.Observation:
    return oscal.Observation(
        uuid=_uuid(*name),
        title=_line(title),
        description=_line(description),
        props=_props(*props),
        methods=(method,),
        types=("control-objective",),
        subjects=tuple(oscal.Subject(subject_uuid=_uuid(*one), type="component") for one in subjects),
        relevant_evidence=(oscal.RelevantEvidence(href=f"../{member}", description="Member of the evidence pack."),),
        collected=collected,
    )


def _metadata(material: Material, title: str) -> oscal.Metadata:
    return oscal.Metadata(
        title=_line(title),
        last_modified=_moment(material),
        version=material.plan.hash[:12],
        oscal_version=oscal.VERSION,
        props=_props(("sample", str(material.plan.sample).lower())),
    )


def _moment(material: Material) -> datetime:
    """When the newest of it came about, by the ledger: evidence holds no clock of its own."""
    return max([_day(material.plan.as_of), *(entry.at for entry in material.entries[-1:])])


def _words(refusals: Iterable[Refusal]) -> str:
    return " ".join(f"{refusal.rule}: {refusal.message}" for refusal in refusals)


def _control_id(rule: str) -> str:
    return rule.lower()


def _props(*pairs: tuple[str, str]) -> tuple[oscal.Prop, ...]:
    return tuple(oscal.Prop(name=name, ns=NAMESPACE, value=_line(value)) for name, value in pairs if value.strip())


def _line(text: str) -> str:
    """``text`` as OSCAL takes it: one line, nothing unseen in it, no blanks around it, never empty."""
    return printable(text).strip() or "-"


def _day(day: date, *, end: bool = False) -> datetime:
    return datetime.combine(day, time.max.replace(microsecond=0) if end else time.min, KARACHI)


def _uuid(*name: str) -> str:
    return str(uuid5(_ROOT, "\n".join(name)))
