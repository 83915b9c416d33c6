package io.fulmar.tunnel;

import io.fulmar.Secret;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A {@link ReverseTunnel} as a process of its own: {@code java -cp ...
 * io.fulmar.tunnel.ReverseTunnelMain tunnel.properties}. Runs until it is ended (SIGTERM), and
 * closes the tunnel then, so that the port of the SSH server is free at once. What happens is
 * logged by {@code io.fulmar.tunnel}.
 *
 * <p>The file has {@code server} (host, or host:port), {@code user}, {@code key} (a file), {@code
 * listen} (the port there) and {@code database} (host:port), and may have {@code passphrase-env}
 * (the variable with the passphrase of the key), {@code known-hosts} (a file; default {@code
 * ~/.ssh/known_hosts}) or {@code fingerprint} ({@code SHA256:...}), {@code bind-address} (default
 * {@code 127.0.0.1}), {@code keep-alive-seconds} (default 7) and {@code probe-seconds} (default 30;
 * 0 for never).
 */
public final class ReverseTunnelMain {
  private static final Set<String> KEYS =
      Set.of(
          "server",
          "user",
          "key",
          "passphrase-env",
          "known-hosts",
          "fingerprint",
          "listen",
          "bind-address",
          "database",
          "keep-alive-seconds",
          "probe-seconds");

  private ReverseTunnelMain() {}

  /**
   * Opens the tunnel and keeps it open until the process is ended.
   *
   * @param args the configuration file
   * @throws IllegalArgumentException if the file is missing, or something in it is wrong; the
   *     message names it
   */
  public static void main(String[] args) throws InterruptedException {
    if (Objects.requireNonNull(args, "args").length != 1) {
      throw new IllegalArgumentException("one argument is needed: the configuration file");
    }
    ReverseTunnel tunnel = tunnel(Path.of(Objects.requireNonNull(args[0], "args")));
    OpenReverseTunnel open = tunnel.open();
    CountDownLatch ended = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  open.close();
                  ended.countDown();
                },
                "fulmar-tunnel-shutdown"));
    System.out.println(tunnel);
    ended.await();
  }

  /** The tunnel that a file describes. */
  static ReverseTunnel tunnel(Path file) {
    Properties properties = read(file);
    Set<String> unknown = new TreeSet<>(properties.stringPropertyNames());
    unknown.removeAll(KEYS);
    if (!unknown.isEmpty()) {
      throw new IllegalArgumentException(
          "%s: there is no setting %s. There are %s."
              .formatted(file, String.join(", ", unknown), String.join(", ", new TreeSet<>(KEYS))));
    }
    Settings settings = new Settings(file, properties);
    Place server = settings.place("server", 22);
    Place database = settings.place("database", 0);
    ReverseTunnel.Builder tunnel = settings.get("server", at -> SshTunnel.reverse(server.host));
    settings.use("server", at -> tunnel.port(server.port));
    settings.use("user", tunnel::user);
    tunnel.key(key(settings));
    settings.use("listen", at -> tunnel.listen(number(at)));
    settings.use("database", at -> tunnel.to(database.host, database.port));
    HostKeys hostKeys = hostKeys(settings);
    if (hostKeys != null) {
      tunnel.hostKeys(hostKeys);
    }
    settings.useIfThere("bind-address", tunnel::bindAddress);
    settings.useIfThere(
        "keep-alive-seconds", at -> tunnel.keepAlive(Duration.ofSeconds(number(at))));
    settings.useIfThere("probe-seconds", at -> tunnel.probeEvery(Duration.ofSeconds(number(at))));
    return tunnel.build();
  }

  private static Properties read(Path file) {
    Properties properties = new Properties();
    try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      properties.load(reader);
      return properties;
    } catch (NoSuchFileException e) {
      throw new IllegalArgumentException("there is no file " + file, e);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          file + ": a \\u has not four hexadecimal digits after it; for a backslash, write two", e);
    } catch (IOException e) {
      throw new IllegalArgumentException("cannot read " + file + ": " + e.getMessage(), e);
    }
  }

  private static UserKey key(Settings settings) {
    Path file = settings.get("key", Path::of);
    String variable = settings.optional("passphrase-env");
    return variable == null ? UserKey.file(file) : UserKey.file(file, Secret.ofEnv(variable));
  }

  private static @Nullable HostKeys hostKeys(Settings settings) {
    String file = settings.optional("known-hosts");
    String fingerprint = settings.optional("fingerprint");
    if (file != null && fingerprint != null) {
      throw new IllegalArgumentException(
          settings.file + ": known-hosts and fingerprint exclude each other");
    }
    if (fingerprint != null) {
      return settings.get("fingerprint", HostKeys::fingerprint);
    }
    return file == null ? null : HostKeys.knownHosts(settings.get("known-hosts", Path::of));
  }

  private record Place(String host, int port) {}

  private record Settings(Path file, Properties properties) {
    String required(String name) {
      String value = optional(name);
      if (value == null) {
        throw new IllegalArgumentException(file + ": " + name + " is missing");
      }
      return value;
    }

    @Nullable String optional(String name) {
      String value = properties.getProperty(name);
      return value == null || value.isBlank() ? null : value.strip();
    }

    /** Makes something of a setting; what is wrong with it is said with its name. */
    <T> T get(String name, Function<String, T> maker) {
      String value = required(name);
      try {
        return maker.apply(value);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(
            "%s: %s is wrong: %s".formatted(file, name, e.getMessage()), e);
      }
    }

    void use(String name, Function<String, ?> user) {
      get(name, user);
    }

    void useIfThere(String name, Function<String, ?> user) {
      if (optional(name) != null) {
        get(name, user);
      }
    }

    /** Host and port; an IPv6 address in brackets. */
    Place place(String name, int defaultPort) {
      return get(
          name,
          value -> {
            int colon = value.lastIndexOf(':');
            boolean bare = colon < 0 || value.endsWith("]");
            String host = bare ? value : value.substring(0, colon);
            if ((bare && defaultPort == 0) || (host.contains(":") && !host.startsWith("["))) {
              throw new IllegalArgumentException(
                  "it must be host:port, an IPv6 address in brackets, is " + value);
            }
            return new Place(host, bare ? defaultPort : number(value.substring(colon + 1)));
          });
    }
  }

  private static int number(String value) {
    try {
      return Integer.parseInt(value);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("it is no whole number", e);
    }
  }
}
