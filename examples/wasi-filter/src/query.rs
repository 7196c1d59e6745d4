//! Which rows and columns: the program's arguments, and what they mean for a header.

/// The arguments.
#[derive(Debug)]
pub struct Query {
    wheres: Vec<Where>,
    columns: Option<Vec<String>>,
    /// Whether the header is written too.
    pub header: bool,
}

#[derive(Debug, Clone)]
struct Where {
    column: String,
    is: Is,
    value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Equal,
    Unequal,
    Less,
    More,
}

/// A query for rows of one header.
#[derive(Debug)]
pub struct Plan {
    wheres: Vec<(usize, Is, String)>,
    columns: Vec<usize>,
}

impl Query {
    /// From the program's arguments.
    pub fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut query = Query { wheres: Vec::new(), columns: None, header: true };
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--where" => query.wheres.push(condition(&value()?)?),
                "--columns" => query.columns = Some(value()?.split(',').map(str::to_owned).collect()),
                "--no-header" => query.header = false,
                _ => return Err(format!("unknown option {arg:?}")),
            }
        }
        Ok(query)
    }

    /// What it means for this header.
    pub fn plan(&self, header: &[String]) -> Result<Plan, String> {
        let index = |name: &String| {
            let found = header.iter().position(|column| column == name);
            found.ok_or_else(|| format!("there is no column {name:?}; there are {}", header.join(", ")))
        };
        let wheres = self.wheres.iter().map(|wanted| Ok((index(&wanted.column)?, wanted.is, wanted.value.clone())));
        let columns = match &self.columns {
            Some(names) => names.iter().map(index).collect::<Result<_, _>>()?,
            None => (0..header.len()).collect(),
        };
        Ok(Plan { wheres: wheres.collect::<Result<_, String>>()?, columns })
    }
}

impl Plan {
    /// Whether all conditions hold for the row, which has as many fields as the header.
    pub fn keeps(&self, row: &[String]) -> bool {
        self.wheres.iter().all(|(column, is, value)| is.holds(&row[*column], value))
    }

    /// The chosen columns.
    pub fn choose<'a>(&self, row: &'a [String]) -> Vec<&'a str> {
        self.columns.iter().map(|column| row[*column].as_str()).collect()
    }
}

impl Is {
    /// Numbers compare as numbers, everything else as text.
    fn holds(self, field: &str, value: &str) -> bool {
        let numbers = field.parse::<f64>().ok().zip(value.parse::<f64>().ok());
        let order = numbers.and_then(|(field, value)| field.partial_cmp(&value)).unwrap_or_else(|| field.cmp(value));
        match self {
            Is::Equal => order.is_eq(),
            Is::Unequal => order.is_ne(),
            Is::Less => order.is_lt(),
            Is::More => order.is_gt(),
        }
    }
}

fn condition(text: &str) -> Result<Where, String> {
    let at = text.find(['!', '=', '<', '>']).filter(|at| *at > 0);
    let parsed = at.and_then(|at| {
        let (column, rest) = text.split_at(at);
        let signs = [("!=", Is::Unequal), ("=", Is::Equal), ("<", Is::Less), (">", Is::More)];
        let (is, value) = signs.into_iter().find_map(|(sign, is)| Some((is, rest.strip_prefix(sign)?)))?;
        Some(Where { column: column.to_owned(), is, value: value.to_owned() })
    });
    parsed.ok_or_else(|| format!("--where needs COLUMN=VALUE, !=, < or >, not {text:?}"))
}
