//! Who is known: profiles, roles, passwords, and their end.

use oyez_protocol::{RoleName, Timestamp, UserId};

use crate::{
    engine::{Row, args, json, sql},
    error::StoreError,
    standing::split_roles,
    store::Store,
    writer::Tx,
};

/// What the application says about a user. `None` leaves what is stored; an empty text clears it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserProfile {
    /// Who.
    pub id: UserId,
    /// What people call them.
    pub name: Option<String>,
    /// Where e-mail reaches them; also a login name.
    pub email: Option<String>,
    /// A BCP 47 tag, such as `de-CH`.
    pub locale: Option<String>,
    /// An IANA name, such as `Europe/Zurich`.
    pub time_zone: Option<String>,
    /// Roles the application sets; replaces the earlier ones.
    pub roles: Option<Vec<RoleName>>,
}

impl UserProfile {
    /// A profile that says nothing but who it is.
    pub fn new(id: UserId) -> Self {
        Self { id, name: None, email: None, locale: None, time_zone: None, roles: None }
    }
}

/// A known user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// What people call them.
    pub name: Option<String>,
    /// Where e-mail reaches them.
    pub email: Option<String>,
    /// A BCP 47 tag.
    pub locale: Option<String>,
    /// An IANA name.
    pub time_zone: Option<String>,
    /// Roles the application set, sorted.
    pub roles: Vec<RoleName>,
    /// Roles the user's last token claimed, sorted.
    pub token_roles: Vec<RoleName>,
    /// May not use Oyez any more.
    pub disabled: bool,
    /// Can log in with a password.
    pub has_password: bool,
    /// When they became known.
    pub created_at: Timestamp,
}

/// What a login is checked against.
#[derive(Clone)]
pub struct Credentials {
    /// Who.
    pub user: UserId,
    /// Argon2 hash in PHC form.
    pub password_hash: String,
    /// May not log in any more.
    pub disabled: bool,
}

/// Which users a list shows.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    /// Only holders of this role, whoever gave it.
    pub role: Option<RoleName>,
    /// Only disabled ones, or only others.
    pub disabled: Option<bool>,
    /// Only users whose id, name or e-mail contains this, in any case.
    pub search: Option<String>,
}

/// Items, jobs or deliveries that one step of an erasure deletes.
const ERASE_STEP: u32 = 2_000;

impl Tx {
    /// Makes or changes a user.
    pub async fn put_user(&mut self, profile: &UserProfile, now: Timestamp) -> Result<User, StoreError> {
        let text = |field: &Option<String>| field.clone();
        let args = args![
            &profile.id,
            text(&profile.name),
            text(&profile.email),
            text(&profile.locale),
            text(&profile.time_zone),
            now
        ];
        let row = self.fetch_one(sql!("users/put"), args).await?;
        let num = row.ok_or_else(|| StoreError::Fault("a user without a number".into()))?.int(0)?;
        if let Some(roles) = &profile.roles {
            self.replace_roles(num, "application", roles).await?;
        }
        let row = self.fetch_one(sql!("users/columns", "users/one"), args![&profile.id]).await?;
        user(&row.ok_or(StoreError::NotFound("user"))?)
    }

    /// Sets a user's password hash; `None` takes the password away. `NotFound` when the user is unknown.
    pub async fn set_password(&mut self, user: &UserId, hash: Option<&str>) -> Result<(), StoreError> {
        match self.execute(sql!("users/set_password"), args![user, hash]).await? {
            0 => Err(StoreError::NotFound("user")),
            _ => Ok(()),
        }
    }

    /// Shuts a user out, which ends all sessions and tickets, or lets them in again. Returns whether that changed
    /// anything; `NotFound` when the user is unknown.
    pub async fn set_disabled(
        &mut self,
        user: &UserId,
        disabled: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let row = self.fetch_one(sql!("users/disabled"), args![user]).await?;
        let row = row.ok_or(StoreError::NotFound("user"))?;
        let num = row.int(0)?;
        if disabled {
            self.execute(sql!("users/end_sessions"), args![num, now]).await?;
        }
        if row.flag(1)? == disabled {
            return Ok(false);
        }
        self.execute(sql!("users/set_disabled"), args![num, disabled]).await?;
        Ok(true)
    }

    /// Replaces the roles that came with tokens; makes the user known. Returns whether that changed anything.
    pub async fn set_token_roles(
        &mut self,
        user: &UserId,
        roles: &[RoleName],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let num = self.known_user(user, now).await?;
        self.replace_roles(num, "token", roles).await
    }

    /// The number of a user, who becomes known by it.
    pub(crate) async fn known_user(&mut self, user: &UserId, now: Timestamp) -> Result<i64, StoreError> {
        let row = self.fetch_one(sql!("users/know"), args![user, now]).await?;
        row.ok_or_else(|| StoreError::Fault("a user without a number".into()))?.int(0)
    }

    async fn replace_roles(
        &mut self,
        num: i64,
        source: &str,
        roles: &[RoleName],
    ) -> Result<bool, StoreError> {
        let gone = self.execute(sql!("users/take_roles"), args![num, source, json(roles)]).await?;
        let new = self.execute(sql!("users/give_roles"), args![num, source, json(roles)]).await?;
        Ok(gone + new > 0)
    }

    /// Takes a user's name from everything, so that nobody finds them; what is left has a number only.
    async fn begin_erasure(&mut self, user: &UserId) -> Result<bool, StoreError> {
        let Some(row) = self.fetch_one(sql!("users/disabled"), args![user]).await? else { return Ok(false) };
        self.execute(sql!("users/forget_in_waiting"), args![user]).await?;
        if let Some(address) = row.opt_text(2)? {
            self.lift_suppression(address).await?;
        }
        self.execute(sql!("users/begin_erasure"), args![row.int(0)?]).await?;
        Ok(true)
    }

    /// Deletes some items, jobs or deliveries of a user whose erasure has begun, then the rest. Returns whether there is more to do.
    pub(crate) async fn erase_some(&mut self) -> Result<bool, StoreError> {
        let Some(row) = self.fetch_one(sql!("users/erased"), args![]).await? else { return Ok(false) };
        let (num, name) = (row.int(0)?, row.text(1)?);
        self.place_items(&[num]).await?;
        let items = self.fetch(sql!("users/erase_items"), args![num, ERASE_STEP]).await?;
        let notifications = items.iter().map(|row| row.int(0)).collect::<Result<Vec<_>, _>>()?;
        self.forget_unowned(&notifications).await?;
        self.execute(sql!("users/forget_in_audience"), args![json(&notifications), name]).await?;
        if notifications.is_empty()
            && self.execute(sql!("users/erase_jobs"), args![num, ERASE_STEP]).await? == 0
            && self.execute(sql!("users/erase_deliveries"), args![num, ERASE_STEP]).await? == 0
        {
            self.execute(sql!("users/finish_erasure"), args![num]).await?;
        }
        Ok(true)
    }
}

impl Store {
    /// Removes all that is known of a user: profile, items, sessions, tickets, memberships, receipts, jobs, deliveries,
    /// preferences, push subscriptions, and that their address refused mail. They are gone for every reader at once, nothing more is sent to
    /// them, and whoever runs one of their jobs is told that it is not theirs any more; what a large inbox leaves behind
    /// goes in small steps. Interrupted, the next erasure goes on, or [`Tx::purge`]. Returns whether there was such a
    /// user.
    pub async fn erase_user(&self, user: &UserId) -> Result<bool, StoreError> {
        let user = user.clone();
        let begun = self.write(|tx| Box::pin(async move { tx.begin_erasure(&user).await })).await?;
        while self.write(|tx| Box::pin(tx.erase_some())).await? {}
        Ok(begun)
    }

    /// One user.
    pub async fn user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        let row = self.reader().await?.fetch_one(sql!("users/columns", "users/one"), args![id]).await?;
        row.map(|row| user(&row)).transpose()
    }

    /// Finds by id, else by e-mail in any case (when one user alone has it), who can log in with a password.
    pub async fn credentials(&self, login: &str) -> Result<Option<Credentials>, StoreError> {
        let rows = self.reader().await?.fetch(sql!("users/credentials"), args![login]).await?;
        let by_id = rows.iter().position(|row| row.text(0).is_ok_and(|id| id == login));
        let row = match (by_id, rows.as_slice()) {
            (Some(index), _) => &rows[index],
            (None, [row]) => row,
            _ => return Ok(None),
        };
        let password_hash = row.text(1)?.to_owned();
        Ok(Some(Credentials { user: row.user(0)?, password_hash, disabled: row.flag(2)? }))
    }

    /// Users by id; the next page begins after the last user of this one.
    pub async fn users(
        &self,
        after: Option<&UserId>,
        limit: u32,
        filter: &UserFilter,
    ) -> Result<Vec<User>, StoreError> {
        let args = args![
            after.map_or("", UserId::as_str),
            limit,
            filter.role.as_ref().map(RoleName::as_str),
            filter.disabled,
            filter.search.as_ref().map(|search| search.to_lowercase())
        ];
        let rows = self.reader().await?.fetch(sql!("users/columns", "users/list"), args).await?;
        rows.iter().map(user).collect()
    }
}

fn user(row: &Row) -> Result<User, StoreError> {
    let text = |column| row.opt_text(column).map(|text| text.map(str::to_owned));
    let (roles, token_roles) = split_roles(row, 8)?;
    Ok(User {
        id: row.user(0)?,
        name: text(1)?,
        email: text(2)?,
        locale: text(3)?,
        time_zone: text(4)?,
        has_password: row.flag(5)?,
        disabled: row.flag(6)?,
        created_at: row.time(7)?,
        roles,
        token_roles,
    })
}
