package io.fulmar.verify.destination;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.fulmar.HttpDestination;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * A small API over records kept in memory: {@code PUT} and {@code DELETE /records/1}, {@code POST
 * /records/1/clear}, {@code DELETE /records}, and {@code POST /put}, {@code /delete} and {@code
 * /clear} for arrays, which are answered item by item. What came before under the same idempotency
 * key is not done again. Texts that begin with {@code refused} are refused.
 */
final class RecordServer implements AutoCloseable {
  private static final ObjectMapper JSON = JsonRecords.reader();

  private final Map<Long, Map<String, @Nullable String>> records = new ConcurrentHashMap<>();
  private final Set<String> keys = ConcurrentHashMap.newKeySet();
  private final List<String> requests = Collections.synchronizedList(new ArrayList<>());
  private final ExecutorService threads = Executors.newFixedThreadPool(8);
  private final HttpServer server;
  private volatile boolean busy;
  private volatile CountDownLatch silence = new CountDownLatch(0);

  RecordServer() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::answer);
    server.setExecutor(threads);
    server.start();
  }

  URI uri() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/");
  }

  /** A destination without requests yet that may call this server. */
  HttpDestination.Builder destination() {
    return HttpDestination.builder(uri()).allowPlainHttp().allowPrivateAddresses();
  }

  Map<Long, Map<String, @Nullable String>> records() {
    return records;
  }

  /** Method and path of each request, in order of arrival. */
  List<String> requests() {
    return requests;
  }

  /** Answers 503 until it is closed. */
  AutoCloseable busy() {
    busy = true;
    return () -> busy = false;
  }

  /** Takes requests and answers none until it is closed. */
  AutoCloseable silent() {
    CountDownLatch until = new CountDownLatch(1);
    silence = until;
    return until::countDown;
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
      String path = exchange.getRequestURI().getRawPath();
      silence.await();
      requests.add(exchange.getRequestMethod() + " " + path);
      String key = exchange.getRequestHeaders().getFirst("Idempotency-Key");
      if (busy) {
        exchange.getResponseHeaders().add("Retry-After", "1");
        send(exchange, 503, "");
      } else if (key != null && keys.contains(key)) {
        send(exchange, 200, path.startsWith("/records") ? "" : items(JSON.readTree(body)));
      } else {
        int status = apply(exchange.getRequestMethod(), path, body);
        if (status == 200 && key != null) {
          keys.add(key);
        }
        send(exchange, status, path.startsWith("/records") ? "" : items(JSON.readTree(body)));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      send(exchange, 400, "");
    }
  }

  private int apply(String method, String path, String body) throws IOException {
    String[] parts = path.split("/");
    if (parts[1].equals("records")) {
      if (parts.length == 2) {
        records.clear();
        keys.clear();
        return 204;
      }
      long id = Long.parseLong(parts[2]);
      if (method.equals("DELETE")) {
        return records.remove(id) == null ? 404 : 200;
      }
      return applyOne(parts.length == 4 ? "clear" : "put", JSON.readTree(body)) ? 200 : 422;
    }
    for (JsonNode row : JSON.readTree(body)) {
      applyOne(parts[1], row);
    }
    return 200;
  }

  private boolean applyOne(String what, JsonNode row) {
    if (isRefused(row)) {
      return false;
    }
    long id = row.get("id").longValue();
    switch (what) {
      case "put" -> records.put(id, JsonRecords.texts(row));
      case "delete" -> records.remove(id);
      default ->
          records.computeIfPresent(
              id,
              (key, record) -> {
                record.replaceAll((column, text) -> null);
                return record;
              });
    }
    return true;
  }

  private static boolean isRefused(JsonNode row) {
    return row.has("t") && row.get("t").asText().startsWith("refused");
  }

  private static String items(JsonNode rows) {
    List<String> items = new ArrayList<>();
    for (JsonNode row : rows) {
      items.add(
          isRefused(row)
              ? "{\"status\": \"error\", \"error\": {\"code\": \"NO_SUCH_TEXT\"}}"
              : "{\"status\": \"ok\"}");
    }
    return "{\"results\": [" + String.join(", ", items) + "]}";
  }

  private static void send(HttpExchange exchange, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    boolean isEmpty = bytes.length == 0 || status == 204;
    exchange.sendResponseHeaders(status, isEmpty ? -1 : bytes.length);
    if (!isEmpty) {
      exchange.getResponseBody().write(bytes);
    }
  }

  @Override
  public void close() {
    silence.countDown();
    server.stop(0);
    threads.shutdownNow();
  }
}
