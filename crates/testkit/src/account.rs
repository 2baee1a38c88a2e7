//! Accounts of an instance, made with `webscripts user add`.

/// An account to be made.
#[derive(Debug, Clone)]
pub struct Account {
    pub(crate) name: String,
    pub(crate) password: String,
    pub(crate) groups: Vec<i64>,
    pub(crate) categories: Vec<String>,
    pub(crate) scripts: Vec<String>,
    pub(crate) addresses: Vec<String>,
    pub(crate) api_key: bool,
}

impl Account {
    /// An account in the group of users (50).
    pub fn user(name: &str) -> Self {
        Self::in_groups(name, &[50])
    }

    /// An account in the groups of users and administrators (50, 1000).
    pub fn administrator(name: &str) -> Self {
        Self::in_groups(name, &[50, 1000])
    }

    /// An account in these groups.
    pub fn in_groups(name: &str, groups: &[i64]) -> Self {
        Self {
            name: name.to_owned(),
            password: format!("a long password of {name}"),
            groups: groups.to_vec(),
            categories: Vec::new(),
            scripts: Vec::new(),
            addresses: Vec::new(),
            api_key: false,
        }
    }

    /// Sets the password; without this it is `a long password of <name>`.
    pub fn password(mut self, password: &str) -> Self {
        password.clone_into(&mut self.password);
        self
    }

    /// Adds a pattern of categories the account may use (`--category`).
    pub fn category(mut self, pattern: &str) -> Self {
        self.categories.push(pattern.to_owned());
        self
    }

    /// Adds a pattern of scripts the account may use (`--script`).
    pub fn script(mut self, pattern: &str) -> Self {
        self.scripts.push(pattern.to_owned());
        self
    }

    /// Adds a pattern of addresses the account may sign in from (`--ip`).
    pub fn address(mut self, pattern: &str) -> Self {
        self.addresses.push(pattern.to_owned());
        self
    }

    /// Asks for an API key, which the program prints once (`--api-key`).
    pub fn with_api_key(mut self) -> Self {
        self.api_key = true;
        self
    }
}

/// An account that exists.
#[derive(Debug, Clone)]
pub struct CreatedAccount {
    /// Name to sign in with.
    pub name: String,
    /// Password to sign in with.
    pub password: String,
    /// The API key, if one was asked for.
    pub api_key: Option<String>,
}
