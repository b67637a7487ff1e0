package io.deem.server;

import java.time.Duration;
import java.util.List;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * What can be set, in {@code application.properties}, by environment variables ({@code
 * DEEM_QUEUE=32}) or on the command line ({@code --deem.queue=32}).
 *
 * @param model the model's folder; deem-mini if empty
 * @param threads for one computation; 0 for as many as there are processors
 * @param precision {@code fp32}, {@code int8}, {@code int4} or {@code auto}
 * @param running requests that compute at once; one computation takes all processors by itself
 * @param queue requests that wait; further ones are refused with status 429. With one for each that
 *     runs, nobody who is let in waits longer than it takes to answer one other
 * @param timeLimit after which a request is cancelled, from when it began to wait
 * @param requestsPerMinute that one client may make; 0 for no limit
 * @param clients whose rate is remembered
 * @param apiKeys of which a request must bear one; empty to let anybody in
 * @param bodyBytes of a request at most
 * @param pixels of all pictures of a request at most, looked at before they are decoded
 * @param remoteHosts from which pictures are fetched whose addresses requests name, each as {@code
 *     example.com} or {@code example.com:8080}; none unless given
 * @param steps of diffusion at most
 */
@ConfigurationProperties("deem")
public record DeemProperties(
    @DefaultValue("") String model,
    @DefaultValue("0") int threads,
    @DefaultValue("auto") String precision,
    @DefaultValue("1") int running,
    @DefaultValue("1") int queue,
    @DefaultValue("60s") Duration timeLimit,
    @DefaultValue("240") int requestsPerMinute,
    @DefaultValue("10000") int clients,
    @DefaultValue List<String> apiKeys,
    @DefaultValue("16777216") long bodyBytes,
    @DefaultValue("16000000") long pixels,
    @DefaultValue List<String> remoteHosts,
    @DefaultValue("100") int steps) {

  /** Checks the numbers. */
  public DeemProperties {
    apiKeys = List.copyOf(apiKeys);
    remoteHosts = List.copyOf(remoteHosts);
    if (running < 1 || queue < 0 || clients < 1 || bodyBytes < 1 || pixels < 1 || steps < 1) {
      throw new IllegalArgumentException(
          "deem.running, deem.clients, deem.body-bytes, deem.pixels and deem.steps must be at least"
              + " 1, deem.queue at least 0");
    }
  }
}
