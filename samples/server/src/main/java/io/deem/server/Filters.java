package io.deem.server;

import jakarta.servlet.Filter;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;

/** What a request passes before it is looked at, in this order. */
@Configuration(proxyBeanMethods = false)
class Filters {

  @Bean
  FilterRegistrationBean<Filter> securityHeaders() {
    return at(0, new SecurityHeaders());
  }

  @Bean
  FilterRegistrationBean<Filter> admission(DeemProperties properties, Errors errors) {
    return at(1, new Admission(properties, errors));
  }

  @Bean
  FilterRegistrationBean<Filter> loadShedding(DeemProperties properties, Work work, Errors errors) {
    return at(2, new LoadShedding(properties, work, errors));
  }

  @Bean
  FilterRegistrationBean<Filter> bodyLimit(DeemProperties properties, Errors errors) {
    return at(3, new BodyLimit(properties, errors));
  }

  private static FilterRegistrationBean<Filter> at(int place, Filter filter) {
    FilterRegistrationBean<Filter> bean = new FilterRegistrationBean<>(filter);
    bean.setOrder(Ordered.HIGHEST_PRECEDENCE + 100 + place);
    return bean;
  }
}
