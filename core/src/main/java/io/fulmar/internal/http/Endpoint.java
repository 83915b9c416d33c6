package io.fulmar.internal.http;

import io.fulmar.ConfigurationException;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.StopRunException;
import java.net.InetAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Where requests go and what they carry, looked at before each one. */
final class Endpoint {
  private static final Pattern VALUE = Pattern.compile("[\\x20-\\x7e\\t]*");

  private Endpoint() {}

  /** Whether a header can have this value (RFC 9110, section 5.5). */
  static boolean isHeaderValue(String value) {
    return VALUE.matcher(value).matches();
  }

  /**
   * The addresses of a host, if all of them may be called.
   *
   * @throws NotAppliedException if it has none for now
   * @throws StopRunException if one of them may not be called
   */
  static InetAddress[] addresses(URI uri, HttpTarget.Reach reach)
      throws NotAppliedException, StopRunException {
    InetAddress[] addresses;
    try {
      addresses = InetAddress.getAllByName(host(uri));
    } catch (UnknownHostException e) {
      throw new NotAppliedException("Cannot call " + where(uri) + ": the name has no address", e);
    }
    for (InetAddress address : addresses) {
      String objection = reach == HttpTarget.Reach.ANY ? null : AddressRule.objection(address);
      if (objection != null) {
        throw new StopRunException(
            "ADDRESS_REFUSED",
            "Cannot call %s: it leads to %s, which is %s and not of the public internet. Give the right address, or call allowPrivateAddresses()."
                .formatted(where(uri), address.getHostAddress(), objection));
      }
    }
    return addresses;
  }

  /** Whether requests go through a proxy, which then resolves the name itself. */
  static boolean isProxied(HttpClient client, URI uri) {
    return client
        .proxy()
        .or(() -> Optional.ofNullable(ProxySelector.getDefault()))
        .map(selector -> selector.select(uri))
        .map(proxies -> proxies.stream().anyMatch(proxy -> proxy.type() != Proxy.Type.DIRECT))
        .orElse(false);
  }

  /** The host as the resolver takes it. */
  static String host(URI uri) {
    String host = String.valueOf(uri.getHost());
    return host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
  }

  /** The value of a header as it is now. */
  static String value(HttpTarget.Header header) throws StopRunException {
    String value;
    try {
      value = header.prefix() + header.value().reveal();
    } catch (ConfigurationException e) {
      throw new StopRunException("CONFIGURATION", String.valueOf(e.getMessage()));
    } catch (RuntimeException e) {
      // What it says is the application's, and may hold the secret.
      throw new StopRunException(
          "CONFIGURATION",
          "Cannot read the secret of the header %s: its supplier threw %s. Look into it."
              .formatted(header.name(), e.getClass().getName()));
    }
    if (!isHeaderValue(value)) {
      throw new StopRunException(
          "CONFIGURATION",
          "Cannot send the header %s: its value holds a character that no header can. Look for a line break in its secret."
              .formatted(header.name()));
    }
    return value;
  }

  /** What is added to each row. */
  static List<String> members(HttpTarget target) {
    return Stream.of(target.body().changeId(), target.body().sequence())
        .filter(Objects::nonNull)
        .toList();
  }

  /** A URI without path and query, in which keys of rows might be. */
  static String where(URI uri) {
    return uri.getScheme() + "://" + uri.getRawAuthority();
  }

  static String list(InetAddress[] addresses) {
    return Stream.of(addresses)
        .map(InetAddress::getHostAddress)
        .distinct()
        .collect(Collectors.joining(", "));
  }
}
