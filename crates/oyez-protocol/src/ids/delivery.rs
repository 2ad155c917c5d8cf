//! Names of what is sent by a medium: deliveries and digests.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A delivery's id: a UUID version 8 (RFC 9562) made from what is delivered, to whom and by which medium, so that the
/// same thing planned twice is one delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, format = "uuid", example = "5b0f2d1e-7c5a-8bbb-8000-000000000001"))]
#[serde(transparent)]
pub struct DeliveryId(pub Uuid);

/// A digest's id: a UUID version 8 made from whose it is, its medium, its key and when it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, format = "uuid", example = "5b0f2d1e-7c5a-8bbb-8000-000000000001"))]
#[serde(transparent)]
pub struct DigestId(pub Uuid);

impl DeliveryId {
    /// The id that sixteen bytes of a hash stand for.
    pub fn of_hash(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

impl DigestId {
    /// The id that sixteen bytes of a hash stand for.
    pub fn of_hash(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for DigestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for DeliveryId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

impl FromStr for DigestId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}
