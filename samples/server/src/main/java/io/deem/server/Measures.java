package io.deem.server;

import io.deem.Answer;
import io.deem.Deem;
import io.deem.Fidelity;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.function.ToDoubleFunction;
import org.springframework.stereotype.Component;

/** What is measured of perception itself. */
@Component
class Measures {

  private final Counter tokens;
  private final DistributionSummary tokensPerSecond;
  private final DistributionSummary fidelity;

  Measures(Deem deem, MeterRegistry meters) {
    counted(meters, "hit", deem, model -> model.cacheStats().hits());
    counted(meters, "miss", deem, model -> model.cacheStats().misses());
    Gauge.builder("deem.cache.images", deem, model -> model.cacheStats().images()).register(meters);
    Gauge.builder("deem.cache.bytes", deem, model -> model.cacheStats().bytes()).register(meters);
    tokens = Counter.builder("deem.tokens").register(meters);
    tokensPerSecond =
        DistributionSummary.builder("deem.tokens.per.second")
            .publishPercentiles(0.5)
            .register(meters);
    fidelity =
        DistributionSummary.builder("deem.fidelity").publishPercentiles(0.5).register(meters);
  }

  /** Images that were looked for in the cache of encoded ones. */
  private static void counted(
      MeterRegistry meters, String result, Deem deem, ToDoubleFunction<Deem> count) {
    FunctionCounter.builder("deem.cache.gets", deem, count).tag("result", result).register(meters);
  }

  void add(Answer answer) {
    add(answer.tokens(), answer.time());
  }

  void add(int count, Duration time) {
    tokens.increment(count);
    if (count > 0) {
      tokensPerSecond.record(count / Math.max(1e-9, time.toNanos() / 1e9));
    }
  }

  void add(Fidelity measured) {
    fidelity.record(Math.max(0, measured.gain()));
  }
}
