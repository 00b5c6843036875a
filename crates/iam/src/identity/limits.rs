//! The limits of IAM, as data. Numbers of AWS for every account; none of them can be raised here.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.

/// Letters of the name of a new user or of a role.
pub const USER_OR_ROLE_NAME_CHARS: usize = 64;
/// Letters of the name of a group, policy or instance profile, and of a user that is only named.
pub const NAME_CHARS: usize = 128;
/// Letters of a path.
pub const PATH_CHARS: usize = 512;
/// Letters of a policy document as it is sent, white space included.
pub const DOCUMENT_CHARS: usize = 131_072;
/// Letters of a managed policy's document without white space.
pub const MANAGED_POLICY_CHARS: usize = 6_144;
/// Letters of a role's trust policy without white space.
pub const TRUST_POLICY_CHARS: usize = 2_048;
/// Letters of all inline policies of a user together, without white space.
pub const USER_INLINE_CHARS: usize = 2_048;
/// Letters of all inline policies of a group together, without white space.
pub const GROUP_INLINE_CHARS: usize = 5_120;
/// Letters of all inline policies of a role together, without white space.
pub const ROLE_INLINE_CHARS: usize = 10_240;
/// Managed policies that are attached to one user, group or role.
pub const ATTACHED_POLICIES: usize = 10;
/// Versions that a managed policy has at one time.
pub const POLICY_VERSIONS: usize = 5;
/// Versions of all managed policies of one account.
pub const POLICY_VERSIONS_IN_USE: usize = 10_000;
/// Access keys of one user.
pub const ACCESS_KEYS: usize = 2;
/// Groups of one user.
pub const GROUPS_PER_USER: usize = 10;
/// Roles of one instance profile.
pub const ROLES_PER_INSTANCE_PROFILE: usize = 1;
/// Tags of one user, role, policy or instance profile.
pub const TAGS: usize = 50;
/// Letters of a tag's key.
pub const TAG_KEY_CHARS: usize = 128;
/// Letters of a tag's value.
pub const TAG_VALUE_CHARS: usize = 256;
/// Users of one account.
pub const USERS: usize = 5_000;
/// Groups of one account.
pub const GROUPS: usize = 300;
/// Roles of one account.
pub const ROLES: usize = 1_000;
/// Managed policies of one account.
pub const POLICIES: usize = 1_500;
/// Instance profiles of one account.
pub const INSTANCE_PROFILES: usize = 1_000;
/// Letters of a role's description.
pub const DESCRIPTION_CHARS: usize = 1_000;
/// Seconds that a session of a role lasts at most, unless the role says otherwise.
pub const DEFAULT_MAX_SESSION_SECS: u32 = 3_600;
/// What a role may say instead.
pub const MAX_SESSION_SECS: std::ops::RangeInclusive<u32> = 3_600..=43_200;
/// Items of one page of a list.
pub const PAGE_ITEMS: std::ops::RangeInclusive<u32> = 1..=1_000;
/// Items of a page when the request does not say.
pub const DEFAULT_PAGE_ITEMS: u32 = 100;
