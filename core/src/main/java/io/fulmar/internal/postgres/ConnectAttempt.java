package io.fulmar.internal.postgres;

import io.fulmar.internal.postgres.ConnectFailure.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * What came about while a connection was being made: evidence of why it failed, where the driver's
 * own error says less. Threadsafe: the driver connects on a thread of its own.
 */
final class ConnectAttempt {
  private final List<Contact> contacts = new ArrayList<>();
  private @Nullable SSLContext tls;

  /** The next socket that is made for it. */
  synchronized Contact contact() {
    Contact contact = new Contact();
    contacts.add(contact);
    return contact;
  }

  /** What is put over its sockets. */
  synchronized void tls(SSLContext context) {
    tls = context;
  }

  synchronized SSLContext tls() {
    return Objects.requireNonNull(tls, "tls");
  }

  /** The server that was reached last is not taken for the right one. */
  synchronized void refuse(Kind kind, String fact) {
    contacts.get(contacts.size() - 1).refuse(new Contact.Refusal(kind, fact));
  }

  /** Nothing more is noted. */
  synchronized void end() {
    contacts.forEach(Contact::end);
  }

  /** One for each socket, in their order. */
  synchronized List<Contact> contacts() {
    return List.copyOf(contacts);
  }
}
