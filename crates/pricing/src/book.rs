//! The price book: rules, names, modifiers and facts of every seller, indexed for quick lookups.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;

use crate::alias;
use crate::{Alias, BookError, Layer, Rows, Rule};

/// What is asked of the price book: whose price, for what, when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceQuery {
    /// Who sends the bill: `openai`, `anthropic`, `google`, `azure`, `bedrock`, `github-copilot`, …
    pub seller: String,
    /// The model as the client or the provider named it; aliases are resolved here.
    pub model: String,
    /// The provider's region or empty.
    pub region: String,
    /// Exact request attributes: `service_tier`, `processing`, `deployment`, `speed`, `route`.
    pub select: BTreeMap<String, String>,
    /// When the call was admitted.
    pub at: Timestamp,
    /// As known at this time; equals `at` for live calls.
    pub as_of: Timestamp,
}

impl PriceQuery {
    /// A live query without region and attributes.
    #[must_use]
    pub fn new(seller: &str, model: &str, at: Timestamp) -> Self {
        Self { seller: seller.to_owned(), model: model.to_owned(), region: String::new(), select: BTreeMap::new(), at, as_of: at }
    }

    /// The same query with one more request attribute.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.select.insert(key.to_owned(), value.to_owned());
        self
    }

    /// The same query in a region.
    #[must_use]
    pub fn in_region(mut self, region: &str) -> Self {
        region.clone_into(&mut self.region);
        self
    }
}

/// Why there is no price. Never the same as a price of zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpriced {
    /// The seller asked for.
    pub seller: String,
    /// The model asked for.
    pub model: String,
    /// The meter that has no rate, or `None` when the model is unknown.
    pub meter: Option<String>,
}

impl fmt::Display for Unpriced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.meter {
            None => write!(f, "no price is known for model `{}` of seller `{}`", self.model, self.seller),
            Some(meter) => write!(f, "no price is known for {meter} of model `{}` of seller `{}`", self.model, self.seller),
        }
    }
}

/// Effective-dated rates of all sellers. Immutable and cheap to clone; a reload makes a new one.
#[derive(Clone, Default)]
pub struct PriceBook {
    pub(crate) shelves: Arc<Shelves>,
}

/// The rows of a book and where to find them.
#[derive(Default)]
pub(crate) struct Shelves {
    pub rows: Rows,
    pub version: OnceLock<String>,
    pub by_seller: BTreeMap<String, Shelf>,
    /// Models of no particular seller, by sku.
    pub models: BTreeMap<String, usize>,
    /// The sellers' own books, of a book that is read seller by seller.
    pub parts: Option<Parts>,
}

/// Books of one seller each, read when a seller is first asked for.
pub(crate) struct Parts {
    read: Read,
    sellers: BTreeMap<String, OnceLock<PriceBook>>,
    whole: OnceLock<PriceBook>,
}

/// Where the book of a seller comes from that nobody has asked for yet.
enum Read {
    /// From what ships; the other function names that.
    Shipped(fn(&str) -> PriceBook, fn() -> String),
    /// From the book beneath: the operator, whose rows this hash names, has none of that seller.
    Beneath(PriceBook, String),
}

impl Read {
    fn book_of(&self, seller: &str) -> PriceBook {
        match self {
            Self::Shipped(read, _) => read(seller),
            Self::Beneath(book, _) => book.of(seller).clone(),
        }
    }

    fn version(&self) -> String {
        match self {
            Self::Shipped(_, name) => name(),
            Self::Beneath(book, extra) => crate::fingerprint::combined(&[book.version(), extra]),
        }
    }
}

/// What one seller sells, by index into [`Rows`].
#[derive(Default)]
pub(crate) struct Shelf {
    pub skus: BTreeMap<String, Vec<usize>>,
    /// Model names without publisher; `None` where two skus share one.
    pub bare: BTreeMap<String, Option<String>>,
    pub exact: BTreeMap<String, Vec<usize>>,
    pub patterns: BTreeMap<Layer, Vec<usize>>,
    pub modifiers: Vec<usize>,
    pub models: BTreeMap<String, usize>,
    pub semantics: Option<usize>,
    /// Whether a price or a name is the operator's, so that names are looked up among those first.
    has_operator: bool,
}

/// A model's name, resolved.
#[derive(Clone, Copy)]
pub(crate) struct Named<'a> {
    pub sku: &'a str,
    pub select: Option<&'a BTreeMap<String, String>>,
    pub region: Option<&'a str>,
}

/// Longest model name that patterns are tried on.
const NAME_BYTES_MAX: usize = 512;

impl PriceBook {
    /// A book of checked rows.
    ///
    /// # Errors
    /// Every row that is wrong or contradicts another.
    pub fn from_rows(rows: Rows) -> Result<Self, Vec<BookError>> {
        let errors = crate::check::problems(&rows);
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self { shelves: Arc::new(Shelves::new(rows)) })
    }

    /// A book that is read seller by seller, each when it is first asked for: a start that prices one seller's models doesn't read
    /// all. `read` gives the book of one seller, always the same and with no row of another; `name` is what
    /// [`PriceBook::version`] says, a hash of everything that `read` can give.
    #[must_use]
    pub fn by_seller(sellers: &[&'static str], read: fn(&str) -> Self, name: fn() -> String) -> Self {
        let sellers = sellers.iter().map(|seller| ((*seller).to_owned(), OnceLock::new())).collect();
        Self::of_parts(Read::Shipped(read, name), sellers)
    }

    fn of_parts(read: Read, sellers: BTreeMap<String, OnceLock<Self>>) -> Self {
        let parts = Parts { read, sellers, whole: OnceLock::new() };
        Self { shelves: Arc::new(Shelves { parts: Some(parts), ..Shelves::default() }) }
    }

    /// The book that has a seller's rows: this one, or its part for the seller.
    pub(crate) fn of(&self, seller: &str) -> &Self {
        let part = self.shelves.parts.as_ref().and_then(|parts| Some((parts, parts.sellers.get_key_value(seller)?)));
        part.map_or(self, |(parts, (seller, part))| part.get_or_init(|| parts.read.book_of(seller)))
    }

    /// The book with all rows in one place.
    pub(crate) fn whole(&self) -> &Self {
        let Some(parts) = &self.shelves.parts else { return self };
        parts.whole.get_or_init(|| {
            let mut rows = Rows::default();
            parts.sellers.keys().for_each(|seller| rows.append(self.of(seller).shelves.rows.clone()));
            Self { shelves: Arc::new(Shelves::new(rows)) }
        })
    }

    /// This book with rows of the operator, which win over its own. A row of sku `seller/model` means the book's own sku of
    /// that model name, if there is one: `azure/gpt-5.5` is `openai/gpt-5.5` at seller `azure`.
    ///
    /// # Errors
    /// Every row that is wrong or contradicts another.
    pub fn with_extra(&self, mut extra: Rows) -> Result<Self, Vec<BookError>> {
        extra.rules.iter_mut().for_each(|row| row.layer = Layer::Operator);
        extra.aliases.iter_mut().for_each(|row| row.layer = Layer::Operator);
        extra.modifiers.iter_mut().for_each(|row| row.layer = Layer::Operator);
        extra.models.iter_mut().for_each(|row| row.layer = Layer::Operator);
        extra.semantics.iter_mut().for_each(|row| row.layer = Layer::Operator);
        extra.allowances.iter_mut().for_each(|row| row.layer = Layer::Operator);
        extra.rules.iter_mut().for_each(|row| self.use_own_sku(&row.seller, &mut row.sku));
        extra.modifiers.iter_mut().for_each(|row| self.use_own_sku(&row.seller, &mut row.sku));
        extra.models.iter_mut().for_each(|row| self.use_own_sku(&row.seller, &mut row.sku));
        extra.aliases.iter_mut().for_each(|row| self.use_own_sku(&row.seller, &mut row.sku));
        if let Some(parts) = self.shelves.parts.as_ref().filter(|_| extra.models.iter().all(|row| !row.seller.is_empty())) {
            return self.beneath(parts, extra);
        }
        let mut rows = self.rows().clone();
        rows.append(extra);
        Self::from_rows(rows)
    }

    /// The same for a book that is read seller by seller: only the sellers of these rows are read now. Rows contradict each other
    /// only within a layer, and a book that is read this way has none of the operator's but those of its parts.
    fn beneath(&self, parts: &Parts, extra: Rows) -> Result<Self, Vec<BookError>> {
        let errors = crate::check::problems(&extra);
        if !errors.is_empty() {
            return Err(errors);
        }
        let name = crate::fingerprint::version(&extra);
        let mut sellers: BTreeMap<String, OnceLock<Self>> = parts.sellers.keys().map(|seller| (seller.clone(), OnceLock::new())).collect();
        for (seller, own) in extra.by_seller() {
            let known = parts.sellers.contains_key(&seller);
            let mut rows = if known { self.of(&seller).shelves.rows.clone() } else { Rows::default() };
            rows.append(own);
            sellers.insert(seller, OnceLock::from(Self::from_rows(rows)?));
        }
        Ok(Self::of_parts(Read::Beneath(self.clone(), name), sellers))
    }

    fn use_own_sku(&self, seller: &str, sku: &mut String) {
        let Some(shelf) = self.of(seller).shelves.by_seller.get(seller).filter(|shelf| !shelf.skus.contains_key(sku)) else { return };
        let model = sku.strip_prefix(seller).and_then(|rest| rest.strip_prefix('/'));
        if let Some(Some(own)) = model.and_then(|model| shelf.bare.get(model)) {
            own.clone_into(sku);
        }
    }

    /// The rows, in the order in which they were given.
    #[must_use]
    pub fn rows(&self) -> &Rows {
        &self.whole().shelves.rows
    }

    /// A hash that names this book; stored with every cost so that it can be repeated. Computed when first asked for.
    #[must_use]
    pub fn version(&self) -> &str {
        let hash = || match &self.shelves.parts {
            Some(parts) => parts.read.version(),
            None => crate::fingerprint::version(&self.shelves.rows),
        };
        self.shelves.version.get_or_init(hash)
    }

    /// The sku behind a query's model name, if it is known.
    #[must_use]
    pub fn sku(&self, query: &PriceQuery) -> Option<String> {
        self.resolve(query).map(|(_, named)| named.sku.to_owned())
    }

    /// The shelf of the query's seller and the sku that its model name stands for, if both are known.
    pub(crate) fn resolve<'a>(&'a self, query: &'a PriceQuery) -> Option<(&'a Shelf, Named<'a>)> {
        let book = self.of(&query.seller);
        let shelf = book.shelves.by_seller.get(&query.seller)?;
        Some((shelf, book.named(shelf, query, &query.model, true)?))
    }

    /// The operator's names come before those of the book: in each, an alias, then a sku, then a pattern.
    fn named<'a>(&'a self, shelf: &'a Shelf, query: &PriceQuery, model: &'a str, may_nest: bool) -> Option<Named<'a>> {
        let layers = if shelf.has_operator { &[Layer::Operator, Layer::Embedded][..] } else { &[Layer::Embedded] };
        layers.iter().find_map(|&layer| {
            let whole = self.exact_name(shelf, query, model, layer).or_else(|| self.sku_name(shelf, model, layer));
            whole.or_else(|| self.pattern_name(shelf, query, model, (layer, may_nest)))
        })
    }

    fn exact_name<'a>(&'a self, shelf: &'a Shelf, query: &PriceQuery, model: &str, layer: Layer) -> Option<Named<'a>> {
        let indexes = shelf.exact.get(model)?;
        let rows = indexes.iter().filter_map(|index| self.shelves.rows.aliases.get(*index));
        let current = rows.filter(|row| row.layer == layer && row.valid.contains(query.at) && row.recorded.contains(query.as_of));
        let latest = current.max_by(|a, b| which_holds(a, b))?;
        Some(Named { sku: &latest.sku, select: Some(&latest.select), region: None })
    }

    fn sku_name<'a>(&'a self, shelf: &'a Shelf, model: &str, layer: Layer) -> Option<Named<'a>> {
        let sku = match shelf.skus.get_key_value(model) {
            Some((sku, _)) if sku != Rule::ANY_SKU => sku,
            _ => shelf.bare.get(model)?.as_ref()?,
        };
        let has_layer =
            shelf.skus.get(sku)?.iter().any(|index| self.shelves.rows.rules.get(*index).is_some_and(|rule| rule.layer == layer));
        has_layer.then_some(Named { sku, select: None, region: None })
    }

    /// The longest pattern, then the latest. A `{name}` inside it is looked up once more.
    fn pattern_name<'a>(
        &'a self,
        shelf: &'a Shelf,
        query: &PriceQuery,
        model: &'a str,
        (layer, may_nest): (Layer, bool),
    ) -> Option<Named<'a>> {
        if model.len() > NAME_BYTES_MAX {
            return None;
        }
        let rows = shelf.patterns.get(&layer)?.iter().filter_map(|index| self.shelves.rows.aliases.get(*index));
        let current =
            rows.filter(|row| row.valid.contains(query.at) && row.recorded.contains(query.as_of) && (may_nest || !row.is_nested()));
        let matching = current.filter_map(|row| alias::matches(&row.name, model).map(|captures| (row, captures)));
        let (row, captures) = matching.max_by(|(a, _), (b, _)| a.name.len().cmp(&b.name.len()).then_with(|| which_holds(a, b)))?;
        if !row.is_nested() {
            return Some(Named { sku: &row.sku, select: Some(&row.select), region: captures.region });
        }
        let inner = captures.name?;
        let named = self.named(shelf, query, inner, false)?;
        Some(Named { region: named.region.or(captures.region), ..named })
    }
}

/// Which of two names that mean different things holds (the greater): the one that applies since later, was learnt later or has the better
/// source. What is left is decided by the sku, so that the order of rows never decides.
fn which_holds(a: &Alias, b: &Alias) -> Ordering {
    let rank = |row: &Alias| (row.valid.from, row.recorded.from, Reverse(row.prov.priority()));
    rank(a).cmp(&rank(b)).then_with(|| (&b.sku, &b.name, &b.select).cmp(&(&a.sku, &a.name, &a.select)))
}

/// Puts a row in the place of another unless that one is the operator's and it isn't.
fn place(at: &mut BTreeMap<String, usize>, sku: &str, index: usize, layer: impl Fn(usize) -> Option<Layer>) {
    match at.get_mut(sku) {
        Some(known) if layer(*known) > layer(index) => {}
        Some(known) => *known = index,
        None => _ = at.insert(sku.to_owned(), index),
    }
}

impl Shelves {
    fn new(rows: Rows) -> Self {
        let mut shelves = Self::default();
        for (index, rule) in rows.rules.iter().enumerate() {
            let shelf = shelves.shelf(&rule.seller);
            shelf.has_operator |= rule.layer == Layer::Operator;
            let skus = &mut shelf.skus;
            match skus.get_mut(&rule.sku) {
                Some(rules) => rules.push(index),
                None => _ = skus.insert(rule.sku.clone(), vec![index]),
            }
        }
        for (index, row) in rows.aliases.iter().enumerate() {
            let shelf = shelves.shelf(&row.seller);
            shelf.has_operator |= row.layer == Layer::Operator;
            if row.is_pattern() {
                shelf.patterns.entry(row.layer).or_default().push(index);
            } else {
                shelf.exact.entry(row.name.clone()).or_default().push(index);
            }
        }
        for (index, row) in rows.modifiers.iter().enumerate() {
            shelves.shelf(&row.seller).modifiers.push(index);
        }
        for (index, row) in rows.models.iter().enumerate() {
            let models = if row.seller.is_empty() { &mut shelves.models } else { &mut shelves.shelf(&row.seller).models };
            place(models, &row.sku, index, |index| rows.models.get(index).map(|row| row.layer));
        }
        for (index, row) in rows.semantics.iter().enumerate() {
            let known = &mut shelves.shelf(&row.seller).semantics;
            let is_own = known.and_then(|index| rows.semantics.get(index)).is_some_and(|known| known.layer > row.layer);
            *known = if is_own { *known } else { Some(index) };
        }
        shelves.rows = rows;
        shelves.by_seller.values_mut().for_each(|shelf| shelf.index(&shelves.rows));
        shelves
    }

    fn shelf(&mut self, seller: &str) -> &mut Shelf {
        self.by_seller.entry(seller.to_owned()).or_default()
    }
}

impl Shelf {
    fn index(&mut self, rows: &Rows) {
        self.modifiers.sort_by_key(|index| rows.modifiers.get(*index).map(|row| (row.order, &row.id)));
        for sku in self.skus.keys().filter(|sku| *sku != Rule::ANY_SKU) {
            let Some((_, bare)) = sku.split_once('/') else { continue };
            let seen = self.bare.entry(bare.to_owned()).or_insert_with(|| Some(sku.clone()));
            if seen.as_ref() != Some(sku) {
                *seen = None;
            }
        }
    }
}

impl fmt::Debug for PriceBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PriceBook").field("version", &self.version()).field("rules", &self.shelves.rows.rules.len()).finish()
    }
}
