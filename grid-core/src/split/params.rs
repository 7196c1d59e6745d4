//! Units that are made of numbers instead of files: ranges and grids of parameters.

use std::collections::HashSet;

use fallow_protocol::job::GridParam;
use fallow_protocol::limits::INLINE_BYTES_MAX;
use serde_json::Value;

use super::SplitError;

/// Whole numbers `from..to`, so many a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangePlan {
    from: i64,
    to: i64,
    per_unit: u64,
}

impl RangePlan {
    pub(super) fn new(from: i64, to: i64, per_unit: u64) -> Result<Self, SplitError> {
        if to <= from {
            return Err(SplitError::EmptyRange { from, to });
        }
        Ok(Self { from, to, per_unit })
    }

    /// Number of units.
    pub fn units(&self) -> u64 {
        self.to.abs_diff(self.from).div_ceil(self.per_unit)
    }

    /// Input of unit `n`: JSON `{"from": …, "to": …}`; none past the last.
    pub fn range_unit(&self, n: u64) -> Option<Vec<u8>> {
        if n >= self.units() {
            return None;
        }
        let from = i128::from(self.from) + i128::from(n) * i128::from(self.per_unit);
        let to = (from + i128::from(self.per_unit)).min(i128::from(self.to));
        Some(format!("{{\"from\":{from},\"to\":{to}}}").into_bytes())
    }
}

/// Every combination of values; the last name varies fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct GridPlan {
    params: Vec<GridParam>,
    units: u64,
}

impl GridPlan {
    /// The combinations, or an error where a name or the number of units is wrong. `u128` counts cannot overflow
    /// before the limit is seen, because it is looked at after every name.
    pub(super) fn new(params: &[GridParam], units_max: u64) -> Result<Self, SplitError> {
        if params.is_empty() {
            return Err(SplitError::Param("is empty: give at least one name with its values".into()));
        }
        let mut seen = HashSet::new();
        let mut units = 1u128;
        for param in params {
            check_param(param, &mut seen)?;
            units *= param.values.len() as u128;
            if units > u128::from(units_max) {
                return Err(SplitError::TooManyUnits { units, help: "give fewer values" });
            }
        }
        let plan = Self { params: params.to_vec(), units: units as u64 };
        let bytes = plan.longest();
        if bytes > INLINE_BYTES_MAX { Err(SplitError::ParamsTooLong { bytes }) } else { Ok(plan) }
    }

    /// Number of units.
    pub fn units(&self) -> u64 {
        self.units
    }

    /// Input of unit `n`: a JSON object with one value a name, in the names' order; none past the last.
    pub fn grid_unit(&self, n: u64) -> Option<Vec<u8>> {
        if n >= self.units {
            return None;
        }
        let mut rest = n;
        let mut picks: Vec<&Value> = Vec::with_capacity(self.params.len());
        for param in self.params.iter().rev() {
            let count = param.values.len() as u64;
            picks.push(&param.values[(rest % count) as usize]);
            rest /= count;
        }
        picks.reverse();
        let fields: Vec<String> =
            self.params.iter().zip(picks).map(|(param, value)| field(&param.name, value)).collect();
        Some(format!("{{{}}}", fields.join(",")).into_bytes())
    }

    /// Bytes of the longest unit.
    fn longest(&self) -> usize {
        let fields = self
            .params
            .iter()
            .map(|param| param.values.iter().map(|value| field(&param.name, value).len()).max().unwrap_or(0) + 1);
        fields.sum::<usize>() + 1
    }
}

fn check_param<'a>(param: &'a GridParam, seen: &mut HashSet<&'a str>) -> Result<(), SplitError> {
    let name = &param.name;
    if name.is_empty() {
        return Err(SplitError::Param("a name is empty".into()));
    }
    if !seen.insert(name) {
        return Err(SplitError::Param(format!("{name:?} is there twice: put all its values into one list")));
    }
    if param.values.is_empty() {
        return Err(SplitError::Param(format!("{name:?} has no values: give at least one")));
    }
    Ok(())
}

/// Written by hand because a map of `serde_json` would sort the names.
fn field(name: &str, value: &Value) -> String {
    format!("{}:{}", Value::from(name), value)
}
