package com.example.contacts;

import io.fulmar.Action;
import io.fulmar.HttpDestination;
import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import javax.sql.DataSource;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.actuate.health.Health;
import org.springframework.boot.actuate.health.HealthIndicator;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Component;

// begin README
@SpringBootApplication
@EnableScheduling
public class Contacts {
  public static void main(String[] arguments) {
    SpringApplication.run(Contacts.class, arguments);
  }

  @Bean
  SyncEngine engine(DataSource dataSource, @Value("${crm.state}") Path directory) {
    return StandardEngine.on(Source.of(dataSource), directory);
  }

  @Bean
  Sync crm(@Value("${crm.url}") URI url) {
    return Sync.builder("crm")
        .model(Model.query("contacts", "select id, email, plan from contact").key("id"))
        .to(
            HttpDestination.builder(url)
                .request(Action.UPSERT, "PUT", "contacts/{id}")
                .request(Action.DELETE, "DELETE", "contacts/{id}")
                .allowPrivateAddresses() // it is in the same network
                .build())
        .onRemoved(Removal.DELETE)
        .build();
  }
}

@Component
record ContactsSync(SyncEngine engine, Sync sync, @Value("${crm.max-age}") Duration maxAge)
    implements HealthIndicator {
  @Scheduled(fixedDelayString = "${crm.every}")
  void run() {
    SyncReport report = engine.run(sync);
    if (report.status() != RunStatus.CANCELLED) { // by the shutdown; the rest stays due
      report.throwIfFailed();
    }
  }

  @EventListener(ContextClosedEvent.class) // comes before any bean is closed
  void end() { // hands out no further batch, waits at most 10 s, keeps what was accepted
    engine.close();
  }

  @Override
  public Health health() {
    Instant asOf = engine.status(sync).upToDateAsOf();
    boolean late = asOf == null || asOf.isBefore(Instant.now().minus(maxAge));
    return (late ? Health.down() : Health.up())
        .withDetail("upToDateAsOf", String.valueOf(asOf))
        .build();
  }
}
// end README
