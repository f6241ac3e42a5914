//! What is counted, in the text format of Prometheus. No label holds an address or anything else of a person.

use std::time::Duration;

use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::Registry,
};

type Labels<const N: usize> = [(&'static str, String); N];

/// Everything that the service counts.
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<Labels<3>, Counter>,
    seconds: Family<Labels<1>, Histogram, fn() -> Histogram>,
    unsubscribes: Family<Labels<1>, Counter>,
    reports: Family<Labels<2>, Counter>,
    decisions: Family<Labels<1>, Counter>,
    letters: Family<Labels<2>, Counter>,
    waiting: Gauge,
    /// Open connections.
    pub(super) connections: Gauge,
}

/// Bounds of the times of requests, in seconds.
const SECONDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 1.0, 10.0];

fn histogram() -> Histogram {
    Histogram::new(SECONDS)
}

impl Metrics {
    /// Nothing has been counted.
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("mimeo");
        let requests = Family::default();
        let seconds = Family::new_with_constructor(histogram as fn() -> Histogram);
        let (unsubscribes, connections) = (Family::default(), Gauge::default());
        let (decisions, letters, waiting) = (Family::default(), Family::default(), Gauge::default());
        let reports = Family::default();
        registry.register("requests", "Answers by route, method and status", requests.clone());
        registry.register("request_seconds", "Time from a request's header to its answer", seconds.clone());
        registry.register(
            "unsubscribes",
            "Requests to unsubscribe by what came of them",
            unsubscribes.clone(),
        );
        registry.register("reports", "Reports of delivery services by what followed", reports.clone());
        registry.register("requests_for_letters", "Forms by what came of them", decisions.clone());
        registry.register("letters", "Letters of the service by kind and outcome", letters.clone());
        registry.register("letters_waiting", "Letters of the service in the queue", waiting.clone());
        registry.register("connections", "Open connections", connections.clone());
        registry.register("build", "The program", Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]));
        Self { registry, requests, seconds, unsubscribes, decisions, letters, waiting, reports, connections }
    }

    /// Counts an answer.
    pub(super) fn answered(&self, route: &str, method: &str, status: u16, took: Duration) {
        let labels =
            [("route", route.to_owned()), ("method", method.to_owned()), ("status", status.to_string())];
        self.requests.get_or_create(&labels).inc();
        self.seconds.get_or_create(&[("route", route.to_owned())]).observe(took.as_secs_f64());
    }

    /// Counts a request to unsubscribe.
    pub(super) fn unsubscribed(&self, result: &str) {
        self.unsubscribes.get_or_create(&[("result", result.to_owned())]).inc();
    }

    /// Counts what followed for one person from the report of a delivery service, or a report that was refused.
    pub(super) fn reported(&self, provider: &str, effect: &str) {
        let labels = [("provider", provider.to_owned()), ("effect", effect.to_owned())];
        self.reports.get_or_create(&labels).inc();
    }

    /// Counts what came of a form.
    pub(super) fn decided(&self, result: &str) {
        self.decisions.get_or_create(&[("result", result.to_owned())]).inc();
    }

    /// Counts what became of a letter.
    pub(super) fn posted(&self, kind: &str, result: &str) {
        self.letters.get_or_create(&[("kind", kind.to_owned()), ("result", result.to_owned())]).inc();
    }

    /// Notes how many letters wait.
    pub(super) fn waiting(&self, letters: u64) {
        self.waiting.set(i64::try_from(letters).unwrap_or(i64::MAX));
    }

    /// All of it as text.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let _ = encode(&mut text, &self.registry); // writing to a String cannot fail
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_in_the_text() {
        let metrics = Metrics::new();
        metrics.answered("/unsubscribe/{token}", "POST", 200, Duration::from_millis(3));
        metrics.unsubscribed("person");
        let text = metrics.text();
        for line in [
            "mimeo_requests_total{route=\"/unsubscribe/{token}\",method=\"POST\",status=\"200\"} 1",
            "mimeo_request_seconds_bucket{le=\"0.005\",route=\"/unsubscribe/{token}\"} 1",
            "mimeo_unsubscribes_total{result=\"person\"} 1",
            "mimeo_connections 0",
        ] {
            assert!(text.contains(line), "no {line} in {text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
