//! Stacks: a CloudFormation template becomes queues, identities and workloads, and workloads become processes that stay up.
//!
//! Two rooms. Templates: [`Template::parse`] → [`resolve`] → the pure [`plan()`] → [`apply`], which carries a plan out
//! through [`Effects`] and is safe to interrupt at any point. Workloads: the pure [`supervise::decide`] and the
//! [`supervise::Supervisor`] that follows it, behind [`driver::Driver`]; no workload ever runs twice.
//!
//! Knows nothing of how queues work, stores nothing durably itself (the caller does, through [`Effects::save`]), and
//! never shows a secret.

mod apply;
pub mod driver;
mod plan;
mod resolve;
mod resource;
mod state;
pub mod supervise;
mod template;
mod text;
mod workload;

pub use apply::{ApplyError, Creation, EffectError, Effects, apply};
pub use plan::{Change, Plan, PlanError, Step, plan};
pub use resolve::{Context, InvalidStackName, ResolvedTemplate, StackName, resolve};
pub use resource::{
    AccessKeySpec, Grants, InlinePolicySpec, InvalidPhysicalId, ManagedPolicySpec, PhysicalId, PolicyUse,
    QueuePolicySpec, QueueSpec, Resource, RoleSpec, UserSpec,
};
pub use state::{Known, MadeFact, Output, OutputPiece, ParameterValue, Progress, ResourceRecord, StackState};
pub use template::diagnostic::{Diagnostic, Position, TemplateErrors};
pub use template::{DeletionPolicy, Template};
pub use text::{MASK, Text, mask_url};
pub use workload::{
    Desired, FieldSpec, FieldType, FormSpec, InvalidWorkloadName, RecordFormat, SinkSpec, WorkloadKind,
    WorkloadName, WorkloadProblem, WorkloadRecord, WorkloadSpec,
};
