//! The description says what there is, and there is what it says.

use serde_json::Value;

use crate::support::Server;

/// The paths of the router, as its source has them.
fn routes() -> Vec<(String, Vec<&'static str>)> {
    let source =
        include_str!("../../src/api/mod.rs").replace("&format!(\"{session}", "\"/v1/models/{model}/sessions/{session}");
    let source = source.replace(".route(session,", ".route(\"/v1/models/{model}/sessions/{session}\",");
    let mut routes: Vec<(String, Vec<&'static str>)> = Vec::new();
    for line in source.lines().filter(|line| line.contains(".route(\"")) {
        let path = line.split('"').nth(1).unwrap().to_owned();
        let methods =
            ["get", "post", "put", "delete"].into_iter().filter(|method| line.contains(&format!("{method}(")));
        match routes.iter_mut().find(|(of, _)| *of == path) {
            Some((_, all)) => all.extend(methods),
            None => routes.push((path, methods.collect())),
        }
    }
    routes
}

#[test]
fn every_route_is_described_and_every_description_is_a_route() {
    let server = Server::new();
    let description = server.client().get("/openapi.json").ok();
    let parsed: openapiv3::OpenAPI = serde_json::from_value(description.clone()).unwrap();
    assert_eq!(parsed.openapi, "3.0.3");
    let mut described: Vec<(String, Vec<String>)> = Vec::new();
    for (path, item) in &parsed.paths.paths {
        let item = item.as_item().unwrap();
        let mut methods: Vec<String> = item.iter().map(|(method, _)| method.to_owned()).collect();
        methods.sort();
        described.push((path.clone(), methods));
        // What stands in braces is a parameter, and nothing else is.
        let named: Vec<&str> = path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
        let parameters: Vec<&str> =
            item.parameters.iter().map(|of| of.as_item().unwrap().parameter_data_ref().name.as_str()).collect();
        assert_eq!(named, parameters, "{path}");
    }
    described.sort();
    let mut routes: Vec<(String, Vec<String>)> = routes()
        .into_iter()
        .map(|(path, mut methods)| {
            methods.sort_unstable();
            (path, methods.into_iter().map(str::to_owned).collect())
        })
        .collect();
    routes.sort();
    assert!(routes.len() > 20, "{routes:?}");
    assert_eq!(described, routes);
    references(&description, &description);
}

/// Every reference leads somewhere.
fn references(value: &Value, whole: &Value) {
    match value {
        Value::Object(map) => {
            if let Some(to) = map.get("$ref").and_then(Value::as_str) {
                assert!(whole.pointer(to.trim_start_matches('#')).is_some(), "{to}");
            }
            map.values().for_each(|inner| references(inner, whole));
        }
        Value::Array(list) => list.iter().for_each(|inner| references(inner, whole)),
        _ => {}
    }
}

#[test]
fn figures_are_as_prometheus_reads_them() {
    let server = Server::new();
    let mut client = server.client();
    let session = server.session(&mut client, "plain");
    client.post(&format!("{session}/step"), &serde_json::json!({ "steps": [[1, 2, 3], [4, 5, 6]] })).ok();
    let response = client.get("/metrics");
    assert!(response.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    let text = response.text();
    for line in text.lines() {
        let value = line.rsplit(' ').next().unwrap();
        assert!(line.starts_with("# ") || value.parse::<f64>().is_ok(), "{line}");
    }
    for expected in ["elman_steps_total 2\n", "elman_sessions 1\n", "elman_batch_rows_bucket{le=\"1.0\"}", "# EOF"] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    // Nothing of what a client sends stands in it.
    assert!(!text.contains(session.rsplit('/').next().unwrap()));
}
