//! Machines by the hour: the price in a region, or that there is none, and what could stand in.

use serde_json::{Value, json};

use crate::harness::Server;

fn regions(offers: &Value) -> Vec<(&str, &str)> {
    offers.as_array().unwrap().iter().map(|offer| (offer["region"].as_str().unwrap_or(""), offer["hour_usd"].as_str().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_has_a_price_or_the_cheapest_that_could_stand_in() {
    let server = Server::start().await;
    let shown = server.get("/prices/show?model=p5.48xlarge&region=eu-west-1&at=2026-11-23").await;
    assert_eq!((&shown["region"], &shown["term"]), (&json!("eu-west-1"), &json!("on_demand")));
    let machine = &shown["machines"][0];
    assert_eq!((&machine["seller"], &machine["status"], &machine["here"]), (&json!("aws"), &json!("unpriced"), &Value::Null));
    assert_eq!((&machine["shape"]["gpu"], &machine["shape"]["gpus"], &machine["likeness"]), (&json!("H100"), &json!("8"), &json!("gpus")));
    assert_eq!(regions(&machine["regions"]), [("us-east-1", "55.04"), ("us-gov-west-1", "66.048")]);
    let other = |sku: &str| machine["others"].as_array().unwrap().iter().find(|other| other["sku"] == sku).unwrap().clone();
    let (gcp, azure, oracle) = (other("a3-highgpu-8g"), other("Standard_ND96isr_H100_v5"), other("BM.GPU.H100.8"));
    assert_eq!(regions(&gcp["regions"])[0], ("us-central1", "88.49"));
    assert_eq!((regions(&azure["regions"]).len(), regions(&azure["regions"])[22]), (23, ("southafricawest", "186.608")));
    assert_eq!(machine["others"][0]["sku"], "gpu_8x_h100_sxm5", "the cheapest first");
    let old = &oracle["regions"][0];
    assert_eq!((&old["as_of"], &old["age_days"], &old["confidence"]), (&json!("2025-04-21"), &json!(581), &json!("curated")));
    assert_eq!((&gcp["regions"][0]["confidence"], &gcp["regions"][0]["hour_nanos"]), (&json!("table"), &json!(88_490_000_000_i64)));

    let azure = server.get("/prices/show?model=ND96isr_H100_v5&region=West%20Europe").await;
    assert_eq!((&azure["machines"][0]["status"], &azure["machines"][0]["here"]["hour_usd"]), (&json!("priced"), &json!("127.816")));
    let spot = server.get("/prices/show?model=a3-highgpu-8g&region=us-central1&select=term%3Dspot").await;
    assert_eq!((&spot["term"], &spot["machines"][0]["status"]), (&json!("spot"), &json!("priced")));
    let yuan = server.get("/prices/show?model=g4dn.xlarge&region=cn-north-1").await;
    assert_eq!((&yuan["machines"][0]["status"], &yuan["machines"][0]["foreign"][0]["currency"]), (&json!("unpriced"), &json!("CNY")));

    let row = json!({"seller": "aws", "sku": "aws/p5.48xlarge", "meter": "vm_hour", "select": {"term": "on_demand"}, "region": "eu-west-1", "price": "61.5"});
    server.send("POST", "/prices", json!({"rows": [row]})).await;
    let own = server.get("/prices/show?model=p5.48xlarge&region=eu-west-1").await;
    assert_eq!((&own["machines"][0]["status"], &own["machines"][0]["here"]["hour_usd"]), (&json!("priced"), &json!("61.50")));
    for path in ["/prices/show?model=p5.48xlarge&seller=gcp", "/prices/why?model=p5.4xlarge"] {
        let (status, message) = server.refused("GET", path, json!({})).await;
        assert!(status == 404 && message.contains("sold by the hour; see `mete prices show p5"), "{path}: {message}");
    }
    server.stop().await;
}
