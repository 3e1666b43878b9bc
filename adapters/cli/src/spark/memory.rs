//! How much memory an executor's pod gets, reckoned as Spark does.

use super::{
    conf::{Bad, Conf},
    units::{self, MIB},
};

/// Amounts in MiB.
#[derive(Debug, PartialEq, Eq)]
pub struct Memory {
    /// The Java heap.
    pub heap: u64,
    /// All that the pod asks for.
    pub total: u64,
    /// How that comes about.
    pub from: String,
}

/// The heap, the overhead, and what is beside the heap.
pub fn memory(conf: &Conf) -> Result<Memory, Bad> {
    let mib = |key: &str, unit: u64| {
        Ok(conf
            .read(key, |text| units::size(text, unit))?
            .map(|bytes| bytes / MIB))
    };
    let heap = mib("spark.executor.memory", MIB)?.unwrap_or(1024);
    let kind = conf.get("spark.kubernetes.resource.type");
    let factor_keys = [
        "spark.executor.memoryOverheadFactor",
        "spark.kubernetes.memoryOverheadFactor",
    ];
    let mut factor = None;
    for key in factor_keys {
        let given = conf.read(key, units::factor)?;
        factor = factor.or(given);
    }
    let jvm = !matches!(kind.as_deref(), Some("python" | "r"));
    let factor = factor.unwrap_or(if jvm { 0.1 } else { 0.4 });
    let least = mib("spark.executor.minMemoryOverhead", MIB)?.unwrap_or(384);
    let overhead = match mib("spark.executor.memoryOverhead", MIB)? {
        Some(overhead) => overhead,
        // Whole MiB, rounded down, as Spark's own conversion does.
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a float is what Spark reckons with; `as` saturates"
        )]
        None => ((factor * heap as f64) as u64).max(least),
    };
    let mut from = format!("spark.executor.memory {heap}Mi, overhead {overhead}Mi");
    let mut total = heap.saturating_add(overhead);
    let mut add = |what: &str, amount: u64| {
        total = total.saturating_add(amount);
        from.push_str(&format!(", {what} {amount}Mi"));
    };
    let off_heap = conf.read("spark.memory.offHeap.enabled", units::switch)? == Some(true);
    if off_heap && let Some(amount) = mib("spark.memory.offHeap.size", 1)? {
        add("off heap", amount);
    }
    if matches!(kind.as_deref(), None | Some("python"))
        && let Some(amount) = mib("spark.executor.pyspark.memory", MIB)?
    {
        add("Python", amount);
    }
    Ok(Memory { heap, total, from })
}

#[cfg(test)]
mod tests {
    use super::{super::properties, *};

    #[test]
    fn it_is_reckoned_as_spark_does() {
        for (text, total) in [
            ("", 1024 + 384),
            ("spark.executor.memory 4g", 4096 + 409),
            (
                "spark.executor.memory 8g\nspark.executor.memoryOverheadFactor 0.25",
                8192 + 2048,
            ),
            (
                "spark.executor.memory 8g\nspark.kubernetes.memoryOverheadFactor 0.25",
                8192 + 2048,
            ),
            (
                "spark.executor.memory 8g\nspark.kubernetes.memoryOverheadFactor 0.25\nspark.executor.memoryOverheadFactor 0.5",
                8192 + 4096,
            ),
            (
                "spark.executor.memory 8g\nspark.kubernetes.resource.type python",
                8192 + 3276,
            ),
            (
                "spark.executor.memory 8g\nspark.executor.memoryOverhead 100",
                8192 + 100,
            ),
            ("spark.executor.minMemoryOverhead 1g", 1024 + 1024),
            (
                "spark.executor.memory 2048\nspark.executor.pyspark.memory 512m",
                2048 + 384 + 512,
            ),
            (
                "spark.executor.pyspark.memory 512m\nspark.kubernetes.resource.type java",
                1024 + 384,
            ),
            (
                "spark.memory.offHeap.enabled true\nspark.memory.offHeap.size 1073741824",
                1024 + 384 + 1024,
            ),
            ("spark.memory.offHeap.size 1g", 1024 + 384),
        ] {
            let conf = Conf::new(properties::read(text, "f"));
            assert_eq!(
                memory(&conf).map(|memory| memory.total),
                Ok(total),
                "{text}"
            );
        }
        let conf = Conf::new(properties::read("\nspark.executor.memory 4.5g", "f"));
        let Err(Bad(line)) = memory(&conf) else {
            panic!("this was taken");
        };
        assert!(
            line.starts_with("f:2: spark.executor.memory: \"4.5g\" is no size"),
            "{line}"
        );
    }
}
