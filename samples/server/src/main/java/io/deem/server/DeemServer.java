package io.deem.server;

import com.fasterxml.jackson.core.StreamReadConstraints;
import io.deem.Deem;
import io.deem.DeemOptions;
import io.deem.Precision;
import io.deem.mini.DeemMini;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.autoconfigure.jackson.Jackson2ObjectMapperBuilderCustomizer;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;

/** The application. */
@SpringBootApplication(proxyBeanMethods = false)
@EnableConfigurationProperties(DeemProperties.class)
public class DeemServer {

  private static final long MOST_JSON_TOKENS = 100_000;
  private static final int MOST_JSON_DEPTH = 50;

  /** Starts it. */
  public static void main(String[] args) {
    SpringApplication.run(DeemServer.class, args);
  }

  /** The model, open until the application ends. */
  @Bean(destroyMethod = "close")
  Deem deem(DeemProperties properties) throws IOException {
    DeemOptions options =
        DeemOptions.defaults()
            .withThreads(properties.threads())
            .withPrecision(Precision.valueOf(properties.precision().toUpperCase(Locale.ROOT)));
    return properties.model().isBlank()
        ? DeemMini.open(options)
        : Deem.open(Path.of(properties.model()), options);
  }

  /**
   * Bounds what a body's JSON becomes in memory: a value takes many times the bytes it is written
   * in. One string may fill the body, as a picture does.
   */
  @Bean
  Jackson2ObjectMapperBuilderCustomizer boundedJson(DeemProperties properties) {
    StreamReadConstraints constraints =
        StreamReadConstraints.builder()
            .maxStringLength((int) Math.min(Integer.MAX_VALUE, properties.bodyBytes()))
            .maxTokenCount(MOST_JSON_TOKENS)
            .maxNestingDepth(MOST_JSON_DEPTH)
            .build();
    return builder ->
        builder.postConfigurer(mapper -> mapper.getFactory().setStreamReadConstraints(constraints));
  }
}
