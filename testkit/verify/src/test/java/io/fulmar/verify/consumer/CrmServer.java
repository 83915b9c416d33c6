package io.fulmar.verify.consumer;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/** A CRM with one record per id, that answers as many requests as it is allowed to. */
final class CrmServer implements AutoCloseable {
  static final String PASSWORD = "of the keys";

  private final Map<Integer, String> records = new ConcurrentHashMap<>();
  private final Map<String, AtomicInteger> timesSent = new ConcurrentHashMap<>();
  private final AtomicInteger arrived = new AtomicInteger();
  private final Semaphore allowed = new Semaphore(0);
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final HttpsServer server;

  /** Starts it with the certificate for localhost of a key store that {@link #keys} has made. */
  CrmServer(Path keys) throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance(keys.toFile(), PASSWORD.toCharArray());
    KeyManagerFactory factory =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    factory.init(store, PASSWORD.toCharArray());
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(factory.getKeyManagers(), null, null);
    server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(context));
    server.setExecutor(threads);
    server.createContext("/contacts/", this::answer);
    server.start();
  }

  /** Makes a key and a certificate of its own, in a store that serves as trust store too. */
  static Path keys(Path folder) throws IOException, InterruptedException {
    Path keys = folder.resolve("crm.p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "crm",
                "-keyalg",
                "EC",
                "-dname",
                "CN=localhost",
                "-ext",
                "san=dns:localhost",
                "-storetype",
                "PKCS12",
                "-keystore",
                keys.toString(),
                "-storepass",
                PASSWORD)
            .inheritIO()
            .start();
    assertThat(keytool.waitFor()).isZero();
    return keys;
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
      arrived.incrementAndGet();
      allowed.acquire();
      timesSent
          .computeIfAbsent(
              exchange.getRequestHeaders().getFirst("Idempotency-Key"), key -> new AtomicInteger())
          .incrementAndGet();
      int id = Integer.parseInt(exchange.getRequestURI().getPath().substring(10));
      if (exchange.getRequestMethod().equals("DELETE")) {
        records.remove(id);
      } else {
        records.put(id, body);
      }
      exchange.sendResponseHeaders(204, -1);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  URI uri() {
    return URI.create("https://localhost:" + server.getAddress().getPort());
  }

  /** Lets so many more requests be answered; the rest waits. */
  void allow(int requests) {
    allowed.release(requests);
  }

  /** Requests that came in, answered or not. */
  int arrived() {
    return arrived.get();
  }

  /** What it holds: the body of the last request per id. */
  Map<Integer, String> records() {
    return new TreeMap<>(records);
  }

  /** Changes that were applied more than once. */
  long repeats() {
    return timesSent.values().stream().filter(times -> times.get() > 1).count();
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
