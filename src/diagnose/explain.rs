//! From evidence to findings: which rows fit, which of them is the cause, and what only followed. Pure.

use std::collections::BTreeSet;

use super::evidence::{Evidence, Need, Place, Trace, Unit};
use super::finding::{Diagnosis, Finding, Quote, Standing, Voice};
use super::pattern::{Facts, find};
use super::rules::{self, Rule, Weight};
use crate::kinds;
use crate::objects::verdict::State;

/// How many traces of one place a finding quotes.
const QUOTES: usize = 3;

/// How many of the log's last lines stand for a failure that no rule explains.
const LAST_LINES: usize = 6;

/// A row that fits, with what its templates are filled with and the traces it fits.
struct Fit<'e> {
    rule: &'static Rule,
    facts: Facts,
    traces: Vec<&'e Trace>,
}

/// Says what is wrong, from what was gathered.
pub fn explain(evidence: &Evidence, voice: &Voice<'_>) -> Diagnosis {
    let mut findings: Vec<Finding> = Vec::new();
    let mut follows: Vec<Finding> = Vec::new();
    let mut symptoms_of_parent: Vec<Finding> = Vec::new();
    for (index, unit) in evidence.units.iter().enumerate() {
        for (weight, finding) in of_unit(evidence, unit, voice) {
            match weight {
                Weight::Follow => follows.push(finding),
                Weight::Symptom if index == 0 && evidence.units.len() > 1 => symptoms_of_parent.push(finding),
                _ => findings.push(finding),
            }
        }
    }
    settle(&mut findings, symptoms_of_parent);
    settle(&mut findings, follows);
    if evidence.state.state == State::Failed && findings.iter().all(|f| f.weight == "note") {
        findings.extend(unrecognized(evidence, voice));
    } else if evidence.kind == &kinds::EVENT_LISTENER && findings.iter().all(|f| matches!(f.weight, "note" | "follow")) {
        findings.extend(logged_errors(evidence, voice));
    }
    findings.sort_by_key(|f| ["cause", "symptom", "follow", "note"].iter().position(|w| *w == f.weight));
    Diagnosis {
        kind: evidence.kind.kind,
        namespace: evidence.namespace.clone(),
        name: evidence.name.clone(),
        standing: standing(evidence, &findings),
        since: evidence.since.map(|t| t.to_string()),
        findings,
        unseen: evidence.unseen.clone(),
    }
}

/// Adds findings that matter only when nothing says more; otherwise their evidence stands beside the first one.
fn settle(findings: &mut Vec<Finding>, lesser: Vec<Finding>) {
    let Some(first) = findings.iter_mut().find(|f| f.weight != "note") else {
        findings.extend(lesser);
        return;
    };
    for quote in lesser.into_iter().flat_map(|f| f.evidence) {
        if !first.evidence.contains(&quote) {
            first.evidence.push(quote);
        }
    }
}

/// What the rows whose text was found want to know beyond what was gathered.
pub fn needs(evidence: &Evidence) -> BTreeSet<Need> {
    let texts = evidence.units.iter().flat_map(|u| &u.traces).map(|t| (t, t.meaning()));
    texts
        .flat_map(|(trace, text)| rules::all().filter(move |rule| fits(rule, trace, &text).is_some()))
        .flat_map(|rule| rule.needs)
        .copied()
        .collect()
}

/// What a row captures from a trace, if it fits, before its check.
pub(super) fn fits(rule: &Rule, trace: &Trace, text: &str) -> Option<Facts> {
    let placed = rule.on.contains(&trace.place) && (rule.reasons.is_empty() || rule.reasons.contains(&trace.reason.as_str()));
    if !placed {
        return None;
    }
    if rule.patterns.is_empty() { Some(Facts::default()) } else { rule.patterns.iter().find_map(|pattern| find(pattern, text)) }
}

fn of_unit(evidence: &Evidence, unit: &Unit, voice: &Voice<'_>) -> Vec<(Weight, Finding)> {
    let fits = fitting(evidence, unit);
    let heaviest = fits.iter().map(|f| f.rule.weight).max().unwrap_or(Weight::Note);
    let lesser: Vec<&Trace> = fits
        .iter()
        .filter(|f| f.rule.weight != heaviest && f.rule.weight >= Weight::Symptom)
        .flat_map(|f| f.traces.iter().copied())
        .collect();
    let told = fits.iter().filter(|f| f.rule.weight == heaviest || f.rule.weight == Weight::Note);
    // Lesser traces stand beside the first finding only; no others are known to belong to them.
    let told = told.enumerate().map(|(index, fit)| {
        let beside: &[&Trace] = if index == 0 { &lesser } else { &[] };
        (fit.rule.weight, finding(evidence, unit, fit, beside, voice))
    });
    // Two symptoms of one object say the same twice; two causes may both have to be mended.
    let mut kept: Vec<(Weight, Finding)> = Vec::new();
    for (weight, finding) in told {
        match kept.iter_mut().find(|(w, f)| *w == weight && (weight == Weight::Symptom || f.summary == finding.summary)) {
            Some((_, first)) => {
                first.evidence.extend(finding.evidence.into_iter().filter(|q| !first.evidence.contains(q)).collect::<Vec<_>>())
            }
            None => kept.push((weight, finding)),
        }
    }
    kept
}

/// For each trace the first row that fits it; rows that fit several traces once.
fn fitting<'e>(evidence: &Evidence, unit: &'e Unit) -> Vec<Fit<'e>> {
    let mut fitting: Vec<Fit<'e>> = Vec::new();
    for trace in &unit.traces {
        let text = trace.meaning();
        let found = rules::all().find_map(|rule| {
            let mut facts = fits(rule, trace, &text)?;
            let applies = rule.check.is_none_or(|check| check(evidence, unit, trace, &mut facts));
            applies.then_some((rule, facts))
        });
        let Some((rule, facts)) = found else { continue };
        match fitting.iter_mut().find(|f| f.rule.id == rule.id) {
            Some(fit) => fit.traces.push(trace),
            None => fitting.push(Fit { rule, facts, traces: vec![trace] }),
        }
    }
    fitting.sort_by_key(|f| std::cmp::Reverse(f.rule.weight));
    fitting
}

/// The names that every template may use.
fn add_common(evidence: &Evidence, unit: &Unit, facts: &mut Facts) {
    let noun = evidence.kind.aliases.first().copied().unwrap_or(evidence.kind.noun);
    let plural = kinds::ALL.iter().find(|k| k.kind == unit.kind).map_or("", |k| k.plural);
    let common = [
        ("namespace", evidence.namespace.as_str()),
        ("kind", evidence.kind.kind),
        ("noun", noun),
        ("name", &evidence.name),
        ("object", &unit.object()),
        ("unit", &unit.name),
        ("plural", plural),
        ("account", &unit.account),
        ("step", unit.step.as_deref().unwrap_or("of the pod")),
        ("pod", unit.pod.as_deref().unwrap_or("POD")),
    ];
    for (name, value) in common {
        facts.add(name, value);
    }
}

/// The names of [`add_common`], for the table's own test.
#[cfg(test)]
pub(super) const COMMON: &[&str] = &["namespace", "kind", "noun", "name", "object", "unit", "plural", "account", "step", "pod"];

fn finding(evidence: &Evidence, unit: &Unit, fit: &Fit<'_>, lesser: &[&Trace], voice: &Voice<'_>) -> Finding {
    let mut facts = fit.facts.clone();
    add_common(evidence, unit, &mut facts);
    Finding {
        rule: fit.rule.id,
        weight: word(fit.rule.weight),
        object: unit.object(),
        summary: super::pattern::fill(fit.rule.summary, &facts),
        evidence: quotes(unit, fit, lesser),
        mend: fit.rule.mend.iter().map(|m| voice.advise(m, &facts, &evidence.namespace)).collect(),
        known_from: fit.rule.source,
    }
}

fn word(weight: Weight) -> &'static str {
    match weight {
        Weight::Cause => "cause",
        Weight::Symptom => "symptom",
        Weight::Follow => "follow",
        Weight::Note => "note",
    }
}

/// The traces of a finding and of lesser rows, in the order in which they were gathered, a few of each place.
fn quotes(unit: &Unit, fit: &Fit<'_>, lesser: &[&Trace]) -> Vec<Quote> {
    let mut quotes: Vec<Quote> = Vec::new();
    let chosen = |trace: &Trace, of: &[&Trace]| of.iter().any(|t| std::ptr::eq(*t, trace));
    let of_fit = fit.rule.weight != Weight::Note;
    let mut places: Vec<Place> = Vec::new();
    for trace in &unit.traces {
        let own = chosen(trace, &fit.traces);
        let beside = of_fit && trace.place != Place::Log && chosen(trace, lesser);
        let quote = Quote { source: trace.source.clone(), text: trace.quoted() };
        let enough = places.iter().filter(|p| **p == trace.place).count() >= QUOTES;
        // The end of a container and an event are often repeated by a condition.
        let repeated = matches!(trace.place, Place::Terminated | Place::Event) && quotes.iter().any(|q| q.text.contains(&trace.text));
        if (own || beside) && !enough && !repeated && !quotes.iter().any(|q| q.text == quote.text) {
            places.push(trace.place);
            quotes.push(quote);
        }
    }
    if fit.rule.weight == Weight::Symptom {
        let log: Vec<&Trace> = unit.traces.iter().filter(|t| t.place == Place::Log).collect();
        let last = log.iter().skip(log.len().saturating_sub(LAST_LINES)).map(|t| Quote { source: t.source.clone(), text: t.quoted() });
        quotes.extend(last.filter(|q| !quotes.contains(q)).collect::<Vec<_>>());
    }
    quotes
}

/// A failure that no row knows is told in its own words.
fn unrecognized(evidence: &Evidence, voice: &Voice<'_>) -> Option<Finding> {
    let failed = |unit: &&Unit| unit.state.as_ref().is_some_and(|v| v.state == State::Failed);
    let unit = evidence.units.iter().rfind(failed).or(evidence.units.first())?;
    let advice = [rules::Mend::Own("{noun} describe {name}"), rules::Mend::Own("{noun} logs {name}")];
    let advice = if evidence.kind == &kinds::EVENT_LISTENER { &advice[..1] } else { &advice[..] };
    let summary = format!("{} failed in a way that no rule of this program knows; these are its own words", unit.object());
    let last = unit.traces.iter().skip(unit.traces.len().saturating_sub(LAST_LINES));
    Some(in_its_own_words(evidence, unit, "Unrecognized", summary, last, advice, voice))
}

/// What a listener that is up wrote of errors and no row knows: it answers 202 whatever becomes of an event.
fn logged_errors(evidence: &Evidence, voice: &Voice<'_>) -> Option<Finding> {
    let unit = evidence.units.first()?;
    let errors: Vec<&Trace> = unit.traces.iter().filter(|t| t.place == Place::Log && tells_error(&t.text)).collect();
    let summary = "its log tells of errors that no rule of this program knows; these are its own words".to_owned();
    let last = errors.iter().skip(errors.len().saturating_sub(QUOTES)).copied();
    let advice = [rules::Mend::Own("{noun} logs {name}")];
    (!errors.is_empty()).then(|| in_its_own_words(evidence, unit, "UnrecognizedInLog", summary, last, &advice, voice))
}

fn in_its_own_words<'e>(
    evidence: &Evidence,
    unit: &Unit,
    rule: &'static str,
    summary: String,
    traces: impl Iterator<Item = &'e Trace>,
    advice: &[rules::Mend],
    voice: &Voice<'_>,
) -> Finding {
    let mut facts = Facts::default();
    add_common(evidence, unit, &mut facts);
    Finding {
        rule,
        weight: word(Weight::Symptom),
        object: unit.object(),
        summary,
        evidence: traces.map(|t| Quote { source: t.source.clone(), text: t.quoted() }).collect(),
        mend: advice.iter().map(|m| voice.advise(m, &facts, &evidence.namespace)).collect(),
        known_from: "",
    }
}

/// Whether a line of a listener's log is about an error (its logger is zap, in Knative's encoding).
fn tells_error(line: &str) -> bool {
    let fields: Option<serde_json::Value> = serde_json::from_str(line).ok();
    let severity = fields.as_ref().and_then(|fields| fields["severity"].as_str()).unwrap_or_default();
    matches!(severity, "error" | "critical" | "alert" | "emergency" | "fatal" | "panic" | "dpanic")
}

fn standing(evidence: &Evidence, findings: &[Finding]) -> Standing {
    let wrong = findings.iter().any(|f| matches!(f.weight, "cause" | "symptom"));
    if evidence.kind == &kinds::EVENT_LISTENER {
        return if evidence.state.state == State::Succeeded { Standing::Ready } else { Standing::NotReady };
    }
    match evidence.state.state {
        State::Failed if evidence.state.reason.as_deref() == Some("PipelineRunStopping") => Standing::Stopping,
        State::Failed => Standing::Failed,
        State::Cancelled => Standing::Cancelled,
        State::Succeeded => Standing::Succeeded,
        _ if wrong => Standing::Hangs,
        _ => Standing::Running,
    }
}
