package io.fulmar.internal.http;

import io.fulmar.Action;
import io.fulmar.spi.CheckContext;
import io.fulmar.spi.CheckSteps;
import io.fulmar.spi.CheckSteps.Findings;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.StopRunException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;

/** Looks whether requests would get through, and sends none. */
public final class EndpointCheck {
  private static final int MOST_MILLIS = 10_000;

  private final HttpTarget target;

  private EndpointCheck(HttpTarget target) {
    this.target = target;
  }

  /** A check of what a destination calls. */
  public static EndpointCheck of(HttpTarget target) {
    return new EndpointCheck(target);
  }

  /** Takes the steps: requests, headers, address, connection. */
  public void check(CheckContext sync, CheckSteps steps) {
    steps.step("requests", findings -> requests(sync, findings));
    steps.step("headers", this::headers);
    URI uri = target.base();
    if (Endpoint.isProxied(target.client().get(), uri)) {
      steps.step(
          "address", findings -> findings.found("a proxy stands between, and was not asked"));
      return;
    }
    steps.step("address", this::address);
    steps.stepAfter("address", "connection", findings -> connection(steps, findings));
  }

  private void requests(CheckContext sync, Findings findings) {
    target
        .requests()
        .forEach(
            (action, request) -> {
              if (sync.actions().contains(action)) {
                findings.found("%s: %s %s".formatted(action, request.method(), request.uri()));
                unknown(sync, action, request, findings);
              }
            });
    List<String> columns = sync.columns().stream().map(CheckContext.Column::name).toList();
    for (String member : Endpoint.members(target)) {
      if (columns.contains(member)) {
        findings.failure(
            "the model has a column " + member + ", which is added to each row, too",
            "Give changeIdMember(...) or sequenceMember(...) another name, or the column");
      }
    }
  }

  private static void unknown(
      CheckContext sync, Action action, HttpTarget.Request request, Findings findings) {
    List<String> unknown = new ArrayList<>(request.uri().columns());
    unknown.removeAll(sync.key());
    if (!unknown.isEmpty()) {
      findings.failure(
          "the path for %s names %s, and the key is %s".formatted(action, unknown, sync.key()),
          "Name columns of the key alone");
    }
  }

  private void headers(Findings findings) {
    List<String> names = new ArrayList<>();
    for (HttpTarget.Header header : target.headers()) {
      try {
        Endpoint.value(header);
        names.add(header.name());
      } catch (StopRunException e) {
        findings.failure(String.valueOf(e.getMessage()), "Look into its secret");
      }
    }
    if (!names.isEmpty()) {
      findings.found("sends " + String.join(", ", names));
    }
  }

  private void address(Findings findings) {
    try {
      findings.found(
          "leads to " + Endpoint.list(Endpoint.addresses(target.base(), target.reach())));
    } catch (NotAppliedException e) {
      findings.failure(String.valueOf(e.getMessage()), "Check the base, and the resolver");
    } catch (StopRunException e) {
      findings.failure(String.valueOf(e.getMessage()), "Check the base");
    }
  }

  private void connection(CheckSteps steps, Findings findings) throws Exception {
    URI uri = target.base();
    boolean isTls = "https".equalsIgnoreCase(uri.getScheme());
    int port = uri.getPort() >= 0 ? uri.getPort() : isTls ? 443 : 80;
    InetAddress address = Endpoint.addresses(uri, target.reach())[0];
    int millis = (int) Math.max(1, Math.min(MOST_MILLIS, steps.remaining().toMillis()));
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(address, port), millis);
      socket.setSoTimeout(millis);
      if (isTls) {
        findings.found(tls(socket, Endpoint.host(uri), port));
      } else {
        findings.found("takes connections, without encryption");
      }
    } catch (SSLException e) {
      findings.failure(
          HttpWriter.isOfCertificate(e)
              ? "its certificate is not trusted, or is of another host"
              : "no TLS came about",
          "Check the address, or add its authority to the trust store of the JVM");
    } catch (IOException e) {
      findings.failure(
          "no connection to %s port %s: %s"
              .formatted(address.getHostAddress(), port, e.getClass().getSimpleName()),
          "Check the address, and the firewalls between");
    }
  }

  private String tls(Socket socket, String host, int port) throws IOException {
    HttpClient client = target.client().get();
    try (SSLSocket tls =
        (SSLSocket) client.sslContext().getSocketFactory().createSocket(socket, host, port, true)) {
      SSLParameters parameters = tls.getSSLParameters();
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
      tls.setSSLParameters(parameters);
      tls.startHandshake();
      return "speaks " + tls.getSession().getProtocol();
    }
  }
}
