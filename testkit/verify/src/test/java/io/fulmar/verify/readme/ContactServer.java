package io.fulmar.verify.readme;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.fulmar.Change;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * The API that README.md's destination of contacts calls: a line of JSON for each record, answered
 * by a line each. Guards its records by itself.
 */
final class ContactServer implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Map<Long, Map<String, @Nullable String>> records = new TreeMap<>();
  private final ExecutorService threads = Executors.newFixedThreadPool(8);
  private final HttpServer server;
  private volatile boolean busy;
  private volatile CountDownLatch silence = new CountDownLatch(0);

  ContactServer() {
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    server.createContext("/", this::answer);
    server.setExecutor(threads);
    server.start();
  }

  /** A change as the API takes it: each column with PostgreSQL's text. */
  static String line(Change change) {
    Map<String, @Nullable String> texts = new LinkedHashMap<>();
    for (String column : change.row().columns()) {
      texts.put(column, change.row().text(column));
    }
    try {
      return JSON.writeValueAsString(texts);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  URI uri() {
    InetSocketAddress address = server.getAddress();
    return URI.create("http://%s:%s/".formatted(address.getHostString(), address.getPort()));
  }

  synchronized Map<Long, Map<String, @Nullable String>> records() {
    return new TreeMap<>(records);
  }

  AutoCloseable busy() {
    busy = true;
    return () -> busy = false;
  }

  AutoCloseable silent() {
    CountDownLatch until = new CountDownLatch(1);
    silence = until;
    return until::countDown;
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
      silence.await();
      if (busy) {
        exchange.sendResponseHeaders(503, -1);
        return;
      }
      byte[] answer =
          apply(exchange.getRequestURI().getPath(), body).getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(200, answer.length);
      exchange.getResponseBody().write(answer);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized String apply(String path, String body) throws IOException {
    List<String> answers = new ArrayList<>();
    for (String line : body.split("\n")) {
      JsonNode record = JSON.readTree(line);
      long id = Long.parseLong(record.get("id").textValue());
      if (path.equals("/delete")) {
        records.remove(id);
        answers.add("ok");
      } else if (String.valueOf(record.get("t").textValue()).startsWith("no address")) {
        answers.add("NO_ADDRESS");
      } else {
        Map<String, @Nullable String> values = new LinkedHashMap<>();
        record
            .properties()
            .forEach(member -> values.put(member.getKey(), member.getValue().textValue()));
        values.remove("id");
        records.put(id, values);
        answers.add("ok");
      }
    }
    return String.join("\n", answers);
  }

  @Override
  public void close() {
    silence.countDown();
    server.stop(0);
    threads.shutdownNow();
  }
}
