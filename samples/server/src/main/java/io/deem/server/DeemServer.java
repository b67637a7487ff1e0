package io.deem.server;

import io.deem.Deem;
import io.deem.DeemOptions;
import io.deem.Precision;
import io.deem.mini.DeemMini;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;

/** The application. */
@SpringBootApplication(proxyBeanMethods = false)
@EnableConfigurationProperties(DeemProperties.class)
public class DeemServer {

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
}
