package io.deem.server;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.springframework.boot.test.autoconfigure.actuate.observability.AutoConfigureObservability;
import org.springframework.boot.test.context.SpringBootTest;

/** A server with keys and narrow limits, one for all tests that need such. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@AutoConfigureObservability(tracing = false)
@SpringBootTest(
    webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
    properties = {
      "deem.api-keys=right,often,seldom,gone,watched",
      "deem.requests-per-minute=" + LimitedServer.REQUESTS_PER_MINUTE,
      "deem.body-bytes=1000000",
      "deem.steps=1000",
      "logging.level.root=warn"
    })
@interface LimitedServer {

  /** More than all tests need under one key. */
  int REQUESTS_PER_MINUTE = 100;
}
