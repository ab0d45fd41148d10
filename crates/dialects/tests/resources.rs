//! Machine hours and the meters beside models: the published figures, where they are cheapest, and what isn't known.

#![allow(clippy::unwrap_used, reason = "a test stops where a step fails")]

use std::sync::LazyLock;

use dialects::resources::{
    Equivalents, ExchangeRate, Likeness, Machine, ON_DEMAND, Offer, SPOT, equivalents, find, foreign_prices_for, query, rules_for,
    shape_of, vm_hour,
};
use jiff::Timestamp;
use money::Decimal;
use pricing::{Attrs, Confidence, Cost, PriceBook, Rows, Usage};

static BOOK: LazyLock<PriceBook> = LazyLock::new(dialects::price_book::embedded);

fn at(text: &str) -> Timestamp {
    format!("{text}T12:00:00Z").parse().unwrap()
}

fn today() -> Timestamp {
    at("2026-11-23")
}

fn machine(name: &str) -> Machine {
    let mut machines = find(name);
    assert_eq!(machines.len(), 1, "{name}: {machines:?}");
    machines.remove(0)
}

fn book(machine: &Machine) -> PriceBook {
    PriceBook::from_rows(Rows { rules: rules_for(machine, &[]), ..Rows::default() }).unwrap()
}

/// The price of an hour by the price book, or nothing where it is unpriced.
fn hour(name: &str, region: &str, term: &str, at: Timestamp) -> Option<String> {
    let machine = machine(name);
    let mut usage = Usage::default();
    usage.add(vm_hour(), 1);
    match book(&machine).cost(&query(&machine, region, term, at), &usage) {
        Cost::Priced(priced) => Some(priced.total.to_usd()),
        Cost::Unpriced(_) => None,
    }
}

#[test]
fn an_hour_costs_what_its_cloud_publishes() {
    for (name, region, term, expected) in [
        ("p5.48xlarge", "us-east-1", ON_DEMAND, Some("55.04")),
        ("aws/p5.48xlarge", "us-gov-west-1", ON_DEMAND, Some("66.048")),
        ("p5.48xlarge", "eu-west-1", ON_DEMAND, None),
        ("p5.48xlarge", "us-east-1", SPOT, None),
        ("ND96isr_H100_v5", "eastus", ON_DEMAND, Some("98.32")),
        ("Standard_ND96isr_H100_v5", "southafricawest", ON_DEMAND, Some("186.608")),
        ("ND96isr H100 v5", "southafricawest", SPOT, None),
        ("a3-highgpu-8g", "us-central1", ON_DEMAND, Some("88.49")),
        ("A3-HIGHGPU-8G", "asia-northeast1", ON_DEMAND, Some("126.643391")),
        ("gcp/a3-highgpu-8g", "africa-south1", ON_DEMAND, None),
        ("standard_l8as_v3", "spaincentral", ON_DEMAND, None),
        ("gpu_8x_h100_sxm5", "", ON_DEMAND, Some("31.92")),
        ("BM.GPU.H100.8", "", ON_DEMAND, Some("80.00")),
    ] {
        assert_eq!(hour(name, region, term, today()).as_deref(), expected, "{name} {region} {term}");
    }
    assert_eq!(find("no-such-machine"), []);
    assert_eq!(find("azure/p5.48xlarge"), []);
}

#[test]
fn an_hour_costs_what_it_cost_then() {
    for (day, expected) in [("2025-06-22", Some("98.32")), ("2025-06-23", Some("55.04")), ("2026-07-21", Some("55.04"))] {
        assert_eq!(hour("p5.48xlarge", "us-east-1", ON_DEMAND, at(day)).as_deref(), expected, "{day}");
    }
    assert_eq!(hour("m5.xlarge", "us-east-1", ON_DEMAND, at("2026-07-19")), None, "before anyone saw the price");
}

#[test]
fn a_rule_says_where_it_is_from_and_how_sure_it_is() {
    for (name, region, source, version, raw, confidence, normalised) in [
        ("p5.48xlarge", "us-east-1", "karpenter-provider-aws", "1d92708", "55.04", Confidence::Table, false),
        ("ND96isr_H100_v5", "eastus", "karpenter-provider-azure", "352646f", "98.32", Confidence::Table, false),
        ("a3-highgpu-8g", "us-central1", "karpenter-provider-gcp", "417f047", "88.49", Confidence::Table, true),
        ("BM.GPU.H100.8", "", "cloud-gpus", "2025-04-21", "80", Confidence::Curated, false),
        ("gpu_8x_h100_sxm5", "", "skypilot-catalog", "2026-11", "31.92", Confidence::Secondary, false),
    ] {
        let machine = machine(name);
        let (book, query) = (book(&machine), query(&machine, region, ON_DEMAND, today()));
        let resolved = book.price_for(&query, &vm_hour(), &Attrs::new(), 0).unwrap();
        let prov = &resolved.rule.prov;
        assert_eq!((prov.source.as_str(), prov.version.as_str(), prov.raw.as_str()), (source, version, raw), "{name}");
        assert_eq!((prov.confidence, prov.note.contains("normalised")), (Some(confidence), normalised), "{name}");
        assert_eq!((resolved.rule.kind.as_str(), resolved.rule.unit.as_str(), resolved.conflict), ("vm", "hour", false), "{name}");
    }
}

#[test]
fn yuan_are_not_dollars() {
    let (machine, region) = (machine("g4dn.xlarge"), "cn-north-1");
    let foreign = foreign_prices_for(&machine);
    let prices: Vec<_> = foreign.iter().map(|price| (price.region.as_str(), price.price.to_string(), price.currency.as_str())).collect();
    assert_eq!(prices, [(region, "5.223".to_owned(), "CNY")]);
    assert_eq!(hour("g4dn.xlarge", region, ON_DEMAND, today()), None);
    let rate = ExchangeRate { currency: "CNY".to_owned(), usd: Decimal::parse("0.14").unwrap(), from: at("2026-11-01") };
    let rules = rules_for(&machine, &[rate]);
    let converted: Vec<_> = rules.iter().filter(|rule| rule.region.covers(region)).collect();
    assert_eq!(converted.len(), 1);
    assert_eq!(converted[0].price.rates().next().unwrap().price().to_string(), "0.73122");
    assert_eq!((converted[0].valid.from, converted[0].prov.note.starts_with("5.223 CNY at 0.14 USD")), (Some(at("2026-11-01")), true));
}

fn regional(offers: &[Offer], sku: &str) -> Vec<(String, String)> {
    let of = offers.iter().filter(|offer| offer.machine.sku == sku);
    of.map(|offer| (offer.hour().price().to_string(), offer.region().to_owned())).collect()
}

/// How many, the cheapest and the dearest.
fn ends(offers: &[(String, String)]) -> (usize, (&str, &str), (&str, &str)) {
    let [(low, at_low), .., (high, at_high)] = offers else { panic!("two offers at least") };
    (offers.len(), (low, at_low), (high, at_high))
}

#[test]
fn an_unpriced_region_names_the_cheapest_that_could_stand_in() {
    let Equivalents { here, regions, others, likeness, shape, foreign, .. } =
        equivalents(&machine("p5.48xlarge"), "eu-west-1", ON_DEMAND, today(), &[]);
    assert_eq!(here, None, "no source has a price in eu-west-1, so there is none");
    assert_eq!((likeness, shape.unwrap().gpus_text()), (Likeness::Gpus, "8 × H100 80 GB".to_owned()));
    assert_eq!(foreign, []);
    assert_eq!(regional(&regions, "p5.48xlarge"), [("55.04", "us-east-1"), ("66.048", "us-gov-west-1")].map(|(a, b)| (a.into(), b.into())));
    assert!(others.windows(2).all(|pair| pair[0].hour() <= pair[1].hour()));
    let gcp = regional(&others, "a3-highgpu-8g");
    assert_eq!(ends(&gcp), (16, ("88.49", "us-central1"), ("126.643391", "asia-northeast1")));
    let azure = regional(&others, "Standard_ND96isr_H100_v5");
    assert_eq!(ends(&azure), (23, ("98.32", "eastus"), ("186.608", "southafricawest")));
    assert_eq!(regional(&others, "gpu_8x_h100_sxm5"), [("31.92".to_owned(), String::new())]);
    let oracle = others.iter().find(|offer| offer.machine.sku == "BM.GPU.H100.8").unwrap();
    assert_eq!(oracle.rule.valid.from.map(|at| at.to_string()).as_deref(), Some("2025-04-21T00:00:00Z"), "old, and says so");
    assert!(others.iter().all(|offer| offer.shape.as_ref().is_some_and(|shape| shape.gpu == "H100" && shape.gpus == "8")));
    assert!(!others.iter().any(|offer| offer.machine.seller == "dataoorts"), "a sixth of anyone's price");
}

#[test]
fn machines_without_gpus_are_alike_by_what_their_names_say() {
    for (name, region, like, unlike) in [
        ("m5.xlarge", "us-east-1", "m6i.xlarge", "m6g.xlarge"),
        ("n2-highmem-8", "europe-west1", "n2d-highmem-8", "n2-standard-8"),
        ("Standard_D4s_v5", "westeurope", "Standard_D4s_v4", "Standard_E4s_v5"),
    ] {
        let found = equivalents(&machine(name), region, ON_DEMAND, today(), &[]);
        assert_eq!(
            (found.likeness, found.here.map(|offer| offer.region().to_owned())),
            (Likeness::Name, Some(region.to_owned())),
            "{name}"
        );
        assert!(found.regions.iter().all(|offer| offer.region() != region), "{name}");
        let has = |sku: &str| found.others.iter().any(|offer| offer.machine.sku == sku);
        assert_eq!((has(like), has(unlike), has(name)), (true, false, false), "{name}");
    }
    let metal = equivalents(&machine("m5.metal"), "us-east-1", ON_DEMAND, today(), &[]);
    assert_eq!((metal.likeness, metal.others), (Likeness::Unknown, Vec::new()));
}

#[test]
fn shapes_are_of_machines_that_are_sold() {
    for (name, vcpus, memory, gpus) in [
        ("p5.48xlarge", 192, "2048", "8 × H100 80 GB"),
        ("p4de.24xlarge", 96, "1152", "8 × A100 80 GB"),
        ("p4d.24xlarge", 96, "1152", "8 × A100 40 GB"),
        ("g6.48xlarge", 192, "768", "8 × L4 24 GB"),
        ("g5.xlarge", 4, "16", "1 × A10G 24 GB"),
        ("ND96isr_H100_v5", 96, "1900", "8 × H100 80 GB"),
        ("NC96ads_A100_v4", 96, "880", "4 × A100 80 GB"),
        ("a3-highgpu-8g", 208, "1872", "8 × H100 80 GB"),
        ("a2-ultragpu-8g", 96, "1360", "8 × A100 80 GB"),
        ("g2-standard-96", 96, "384", "8 × L4 24 GB"),
    ] {
        let shape = shape_of(&machine(name)).unwrap();
        assert_eq!((shape.vcpus, shape.memory_gib.as_str(), shape.gpus_text().as_str()), (Some(vcpus), memory, gpus), "{name}");
    }
    assert_eq!(shape_of(&machine("m5.xlarge")), None);
}

/// What `quantity` of a meter costs by the embedded book, whether sources conflict, and how sure the rule is.
fn meter(seller: &str, sku: &str, meter: &str, quantity: u64, more: &[(&str, &str)]) -> Option<(String, bool, Option<Confidence>)> {
    let book = &*BOOK;
    let mut query = pricing::PriceQuery::new(seller, sku, today());
    let mut attrs = Attrs::new();
    for (key, value) in more {
        match *key {
            "region" => query = query.in_region(value),
            "policy" => _ = attrs.insert((*key).to_owned(), (*value).to_owned()),
            _ => query = query.with(key, value),
        }
    }
    let meter = pricing::Meter::from_name(meter);
    let mut usage = Usage::default();
    usage.add_with(meter.clone(), attrs.clone(), quantity);
    let Cost::Priced(priced) = book.cost(&query, &usage) else { return None };
    let resolved = book.price_for(&query, &meter, &attrs, 0).unwrap();
    Some((priced.total.to_usd(), priced.lines[0].conflict, resolved.rule.prov.confidence))
}

#[test]
fn what_isnt_sold_by_the_token_is_in_the_book() {
    use Confidence::{Conflict, Corroborated, Curated, Default, Secondary};
    for (seller, sku, name, quantity, more, expected) in [
        ("vertex", "gemini-2.5-pro", "cache_storage", 1_000_000, &[][..], Some(("4.50", false, Secondary))),
        ("google", "gemini-3.6-flash", "cache_storage", 1_000_000, &[], Some(("0.50", false, Curated))),
        ("google", "gemini-3.8-flash", "cache_storage", 90_000_000, &[], Some(("45.00", false, Curated))),
        ("google", "gemini-2.5-flash", "cache_storage", 1, &[], None),
        ("openai", "openai/vector_store", "gib_day", 30, &[], Some(("3.00", false, Secondary))),
        ("openai", "openai/container", "container_session", 2, &[], Some(("0.06", false, Curated))),
        ("azure", "azure/container", "container_session", 1, &[], Some(("0.033", false, Curated))),
        ("pinecone", "pinecone/serverless-standard", "read_unit", 1_000_000, &[("region", "us-east-1")], Some(("16.00", false, Secondary))),
        ("pinecone", "pinecone/serverless-standard", "read_unit", 1, &[("region", "eu-west-1")], None),
        ("pinecone", "pinecone/serverless-enterprise", "read_unit", 1_000_000, &[], Some(("24.00", false, Secondary))),
        ("pinecone", "pinecone/serverless-standard", "gb_month", 100, &[], Some(("33.00", false, Conflict))),
        ("weaviate", "weaviate/cloud", "dimension_month", 1_000_000, &[], Some(("0.095", true, Conflict))),
        ("qdrant", "qdrant/cloud-smallest-node", "node_hour", 720, &[], Some(("10.08", false, Secondary))),
        ("turbopuffer", "turbopuffer/base", "queried_gb", 1_000_000, &[], Some(("1.00", false, Secondary))),
        ("aws", "aws/s3-vectors", "gb_month", 10, &[("region", "us-east-1")], Some(("0.60", false, Secondary))),
        ("aws", "aws/s3-vectors", "put_gb", 10, &[("region", "us-east-1")], Some(("2.00", false, Secondary))),
        ("aws", "aws/opensearch-serverless", "ocu_hour", 100, &[("region", "eu-west-1")], Some(("24.00", false, Secondary))),
        ("bedrock", "amazon/rerank-v1:0", "query", 1_000, &[("region", "us-east-1")], Some(("1.00", false, Curated))),
        ("azure", "cohere-rerank-v3-english", "query", 1_000, &[], Some(("2.00", false, Curated))),
        ("tavily", "search-advanced", "query", 1_000, &[], Some(("16.00", false, Curated))),
        ("vertex", "google/search_api", "query", 1_000, &[], Some(("1.50", false, Curated))),
        ("bedrock", "amazon/guardrails", "guardrail_unit", 1_000, &[("policy", "contentPolicy")], Some(("0.15", false, Curated))),
        ("bedrock", "amazon/guardrails", "guardrail_unit", 1_000, &[("policy", "wordPolicy")], None),
        ("opencost", "opencost/default", "gpu_hour", 1, &[], Some(("0.95", false, Default))),
        ("github-copilot", "github/plan-enterprise", "seat_month", 50, &[], Some(("1950.00", false, Secondary))),
        ("anthropic", "anthropic/plan-max_20x", "seat_month", 1, &[], Some(("200.00", false, Curated))),
        ("github-copilot", "gpt-5.5", "credit", 1_900, &[], Some(("19.00", false, Corroborated))),
    ] {
        let expected = expected.map(|(usd, conflict, confidence)| (usd.to_owned(), conflict, Some(confidence)));
        assert_eq!(meter(seller, sku, name, quantity, more), expected, "{seller} {sku} {name}");
    }
}

#[test]
fn a_contradiction_is_shown_with_both_sides() {
    let query = pricing::PriceQuery::new("weaviate", "weaviate/cloud", today());
    let resolved = BOOK.price_for(&query, &pricing::Meter::from_name("dimension_month"), &Attrs::new(), 0).unwrap();
    let price = |rule: &pricing::Rule| (rule.price.rates().next().unwrap().price().to_string(), rule.prov.source.clone());
    assert!(resolved.conflict);
    assert_eq!(price(resolved.rule), ("0.095".to_owned(), "data-eng.postlark.ai".to_owned()), "the dearest counts");
    assert_eq!(resolved.losers.iter().map(|rule| price(rule)).collect::<Vec<_>>(), [("0.00465".to_owned(), "usagepricing.com".to_owned())]);
}

#[test]
fn a_plans_month_is_billed_with_what_it_gives() {
    use pricing::{Metered, Period, PeriodUse, Used};
    let use_of = |sku: &str, meter: &str, quantity| Used {
        sku: sku.to_owned(),
        region: String::new(),
        select: std::collections::BTreeMap::new(),
        counted: Metered { meter: pricing::Meter::from_name(meter), attrs: Attrs::new(), quantity },
    };
    let seats = |plan: &str, count| use_of(&format!("github/plan-{plan}"), "seat_month", count);
    for (seller, plan, count, period, day, used, calls, total) in [
        ("github-copilot", "enterprise", 50, Period::Month, "2026-10-01", vec![seats("enterprise", 50)], "0", "1950.00"),
        ("github-copilot", "enterprise", 50, Period::Month, "2026-10-01", vec![seats("enterprise", 50)], "1950", "1950.00"),
        ("github-copilot", "enterprise", 50, Period::Month, "2026-10-01", vec![seats("enterprise", 50)], "4000", "4000.00"),
        ("github-copilot", "enterprise", 50, Period::Month, "2026-07-01", vec![seats("enterprise", 50)], "4000", "2450.00"),
        ("github-copilot", "business", 10, Period::Month, "2026-08-31", vec![seats("business", 10)], "300", "190.00"),
        ("github-copilot", "business", 10, Period::Month, "2026-09-01", vec![seats("business", 10)], "300", "300.00"),
        ("openai", "", 0, Period::Day, "2026-11-23", vec![use_of("openai/vector_store", "gib_day", 3)], "0", "0.20"),
        ("openai", "", 0, Period::Day, "2026-11-23", vec![use_of("openai/vector_store", "gib_day", 1)], "0", "0.00"),
        ("turbopuffer", "launch", 0, Period::Month, "2026-11-01", vec![use_of("turbopuffer/base", "queried_gb", 1_000_000)], "0", "64.00"),
        ("turbopuffer", "launch", 0, Period::Month, "2026-11-01", vec![use_of("turbopuffer/base", "queried_gb", 65_000_000)], "0", "65.00"),
    ] {
        let calls = money::Nanos::from_usd(calls).unwrap();
        let (seller, plan) = (seller.to_owned(), plan.to_owned());
        let charge = BOOK.charge(&PeriodUse { seller, plan, seats: count, period, at: at(day), as_of: at(day), used, calls }).unwrap();
        assert_eq!(charge.total.to_usd(), total, "{day} {:#?}", charge.lines);
    }
}

#[test]
fn a_copilot_call_is_priced_in_dollars_and_read_in_credits() {
    let mut usage = Usage::default();
    usage.add(pricing::Meter::InputTokens, 100_000);
    usage.add(pricing::Meter::OutputTokens, 10_000);
    let query = pricing::PriceQuery::new("github-copilot", "gpt-5.5", today());
    let Cost::Priced(priced) = BOOK.cost(&query, &usage) else { panic!("unpriced") };
    let credit = BOOK.credit("github-copilot", today(), today()).unwrap();
    assert_eq!((priced.total.to_usd().as_str(), credit.name.as_str()), ("0.80", "AI credit"));
    assert_eq!(credit.of(priced.total).unwrap().to_string(), "80");
    assert_eq!(BOOK.credit("openai", today(), today()), None);
}

/// Whether reasoning is inside the completion's count or beside it is said for each seller; one token is never billed twice,
/// nor left out. Here in credits, for both ways.
#[test]
fn reasoning_is_counted_as_its_seller_says() {
    let answer = br#"{"usage":{"prompt_tokens":1000,"completion_tokens":5000,"completion_tokens_details":{"reasoning_tokens":3000}}}"#;
    let own = dialects::price_book::read(r#"{"type":"semantics","seller":"github-copilot","output_includes_reasoning":false}"#).unwrap();
    let beside = BOOK.with_extra(own).unwrap();
    for (name, book, seller, model, output_tokens, credits) in [
        ("Copilot, inside", &*BOOK, "github-copilot", "gpt-5.5", 5_000, Some("15.5")),
        ("Copilot by an operator's row, beside", &beside, "github-copilot", "gpt-5.5", 8_000, Some("24.5")),
        ("OpenAI, inside", &*BOOK, "openai", "gpt-5.5", 5_000, None),
        ("xAI, beside", &*BOOK, "xai", "grok-4.6", 8_000, None),
    ] {
        let counting = dialects::Counting::from(&*book.semantics(seller));
        let reading = dialects::read_response_as(dialects::Operation::Chat, counting, answer);
        let dialects::UsageReading::Reported(usage) = reading.usage else { panic!("{name}: no usage") };
        let outputs = usage.total(&pricing::Meter::OutputTokens) + usage.total(&pricing::Meter::ReasoningTokens);
        assert_eq!(outputs, output_tokens, "{name}");
        let Cost::Priced(priced) = book.cost(&pricing::PriceQuery::new(seller, model, today()), &usage) else { panic!("{name}: unpriced") };
        let credit = book.credit(seller, today(), today());
        assert_eq!(credit.map(|credit| credit.of(priced.total).unwrap().to_string()).as_deref(), credits, "{name}");
    }
}

#[test]
fn a_price_of_ones_own_wins_and_fills_an_unpriced_region() {
    let rows = concat!(
        r#"{"seller":"aws","sku":"aws/p5.48xlarge","meter":"vm_hour","select":{"term":"on_demand"},"region":"eu-west-1","price":"60"}"#,
        "\n",
        r#"{"seller":"aws","sku":"aws/p5.48xlarge","meter":"vm_hour","select":{"term":"on_demand"},"region":"us-east-1","price":"40","price_kind":"contract"}"#,
        "\n",
        r#"{"seller":"aws","sku":"aws/p5.48xlarge","meter":"vm_hour","select":{"term":"spot"},"region":"us-east-1","price":"20"}"#,
    );
    let book = BOOK.with_extra(dialects::price_book::read(rows).unwrap()).unwrap();
    let found = equivalents(&machine("p5.48xlarge"), "eu-west-1", ON_DEMAND, today(), &book.rows().rules);
    let price = |offer: &Offer| (offer.hour().price().to_string(), offer.rule.prov.source.clone());
    assert_eq!(found.here.as_ref().map(price), Some(("60".to_owned(), "operator".to_owned())));
    assert_eq!(price(&found.regions[0]), ("40".to_owned(), "operator".to_owned()));
    assert_eq!(found.regions.len(), 2);
}

#[test]
fn no_meter_takes_a_models_name() {
    let named = |row: &&pricing::Rule| row.sku != pricing::Rule::ANY_SKU && row.kind != "llm";
    for row in BOOK.rows().rules.iter().filter(named) {
        let Some((_, name)) = row.sku.split_once('/') else { continue };
        let query = pricing::PriceQuery::new(&row.seller, name, today());
        assert!(BOOK.sku(&query).is_some(), "{} {}: `{name}` means two things", row.seller, row.sku);
    }
}
