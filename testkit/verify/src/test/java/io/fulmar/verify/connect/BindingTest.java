package io.fulmar.verify.connect;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.ByteSize;
import io.fulmar.Secret;
import io.fulmar.Source;
import io.smallrye.config.SmallRyeConfig;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

/**
 * Settings out of the configuration of an application, bound by the binders of Spring Boot and of
 * SmallRye Config themselves (Quarkus uses that one), with nothing registered for it.
 */
class BindingTest {
  /** What an application writes for itself. */
  record Settings(
      String host,
      Secret password,
      Duration connectTimeout,
      Path tlsRootCertificate,
      Source.TargetServer targetServer) {
    Source source() {
      return Source.builder()
          .host(host)
          .database("shop")
          .user("fulmar")
          .password(password)
          .connectTimeout(connectTimeout)
          .tlsRootCertificate(tlsRootCertificate)
          .targetServer(targetServer)
          .build();
    }
  }

  private static void assertBound(Source source) {
    assertThat(source.hosts()).containsExactly("db:5432");
    assertThat(source.password().reveal()).isEqualTo("canary");
    assertThat(source.connectTimeout()).isEqualTo(Duration.ofSeconds(20));
    assertThat(source.tlsRootCertificate()).isEqualTo(Path.of("/etc/root.pem"));
    assertThat(source.targetServer()).isEqualTo(Source.TargetServer.PREFER_STANDBY);
  }

  private static Binder spring(Map<String, String> properties) {
    return new Binder(new MapConfigurationPropertySource(properties));
  }

  private static SmallRyeConfig smallRye(Map<String, String> properties) {
    SmallRyeConfigBuilder builder = new SmallRyeConfigBuilder();
    properties.forEach(builder::withDefaultValue);
    return builder.build();
  }

  @Test
  void springBootBindsTypesByThemselves() {
    Binder binder =
        spring(
            Map.of(
                "crm.source.host", "db",
                "crm.source.password", "canary",
                "crm.source.connect-timeout", "20s",
                "crm.source.tls-root-certificate", "/etc/root.pem",
                "crm.source.target-server", "prefer-standby"));
    Settings settings = binder.bind("crm.source", Settings.class).get();
    assertThat(settings.toString()).contains("Secret[***]").doesNotContain("canary");
    assertBound(settings.source());
  }

  @Test
  void springBootBindsAMapOfOptions() {
    Binder binder =
        spring(
            Map.of(
                "crm.source.host", "db",
                "crm.source.database", "shop",
                "crm.source.user", "fulmar",
                "crm.source.password", "canary",
                "crm.source.connectTimeout", "20s",
                "crm.source.tlsRootCertificate", "/etc/root.pem",
                "crm.source.targetServer", "PREFER_STANDBY"));
    Map<String, String> options =
        binder.bind("crm.source", Bindable.mapOf(String.class, String.class)).get();
    assertBound(Source.of(options));
  }

  @Test
  void smallRyeConvertsTypesByThemselves() {
    SmallRyeConfig config =
        smallRye(
            Map.of(
                "crm.host", "db",
                "crm.password", "canary",
                "crm.connect-timeout", "PT20S",
                "crm.tls-root-certificate", "/etc/root.pem",
                "crm.target-server", "PREFER_STANDBY"));
    assertBound(
        new Settings(
                config.getValue("crm.host", String.class),
                config.getValue("crm.password", Secret.class),
                config.getValue("crm.connect-timeout", Duration.class),
                config.getValue("crm.tls-root-certificate", Path.class),
                config.getValue("crm.target-server", Source.TargetServer.class))
            .source());
  }

  @Test
  void optionsOutOfSmallRyeMakeASource() {
    Map<String, String> options =
        Map.of(
            "host", "db",
            "database", "shop",
            "user", "fulmar",
            "password", "canary",
            "connectTimeout", "PT20S",
            "tlsRootCertificate", "/etc/root.pem",
            "targetServer", "PREFER_STANDBY");
    SmallRyeConfig config =
        smallRye(
            options.entrySet().stream()
                .collect(Collectors.toMap(e -> "crm.source." + e.getKey(), Map.Entry::getValue)));
    Map<String, String> read =
        StreamSupport.stream(config.getPropertyNames().spliterator(), false)
            .filter(name -> name.startsWith("crm.source."))
            .collect(
                Collectors.toMap(
                    name -> name.substring("crm.source.".length()),
                    name -> config.getValue(name, String.class)));
    assertBound(Source.of(read));
  }

  /** What an application writes for itself, too. */
  record Sizes(ByteSize largestRow) {}

  @Test
  void bothBindSizes() {
    Sizes sizes = spring(Map.of("crm.largest-row", "64MiB")).bind("crm", Sizes.class).get();
    assertThat(sizes.largestRow().bytes()).isEqualTo(64L << 20);
    SmallRyeConfig config = smallRye(Map.of("crm.largest-row", "64MiB"));
    assertThat(config.getValue("crm.largest-row", ByteSize.class)).isEqualTo(sizes.largestRow());
  }
}
