//! What a plan does to workloads.

use millpond_stack::{Desired, EffectError, WorkloadName, WorkloadRecord, WorkloadSpec};

use super::{StackEffects, document};
use crate::platform::credentials::fresh_launch;

impl StackEffects<'_> {
    /// Makes a workload run as specified. One that is stopped by its user stays stopped.
    pub(super) async fn put_workload(&self, workload: &WorkloadSpec) -> Result<(), EffectError> {
        let usable = self.deployer.credentials_of(workload).map(drop);
        usable.map_err(|reason| {
            EffectError::Refused(format!("the role {} can't be used: {reason}", workload.role))
        })?;
        let name = workload.name.as_str();
        let before =
            self.documents.get::<WorkloadRecord>("workload", name).await.map_err(|error| document(&error))?;
        let desired = before.map_or(Desired::Running, |record| record.desired);
        let launch = fresh_launch().map_err(|failure| EffectError::Failed(failure.to_string()))?;
        let record = WorkloadRecord { spec: workload.clone(), desired, launch };
        self.documents.put("workload", name, &record).await.map_err(|error| document(&error))?;
        self.supervisor.put(record).await.map_err(|error| EffectError::Failed(error.to_string()))
    }

    pub(super) async fn remove_workload(&self, name: &WorkloadName) -> Result<(), EffectError> {
        self.documents.remove("workload", name.as_str()).await.map_err(|error| document(&error))?;
        self.supervisor.remove(name.clone()).await.map_err(|error| EffectError::Failed(error.to_string()))
    }
}
