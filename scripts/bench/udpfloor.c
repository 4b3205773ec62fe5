// What UDP alone moves over loopback: one thread sends, one receives, datagrams of 1452 bytes. usage: udpfloor plain|offload BYTES
// offload: the kernel splits (UDP_SEGMENT) and joins (UDP_GRO). Prints {"mib_s":N,"sent":N,"received":N}.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum { DATAGRAM = 1452, SEGMENTS = 45 };

static int receiver, offload;
static long long received;
static double first, last;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

// Ends when nothing has come for a while: the sender is done, and the rest is lost.
static void *receive(void *unused) {
  static char buffer[65536];
  for (ssize_t n; (n = recv(receiver, buffer, sizeof buffer, 0)) > 0; received += n) {
    last = now();
    if (!first) first = last;
  }
  return unused;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  offload = !strcmp(argv[1], "offload");
  long long bytes = atoll(argv[2]), sent = 0;
  int on = 1, room = 4 << 20, segment = DATAGRAM, sender = socket(AF_INET, SOCK_DGRAM, 0);
  receiver = socket(AF_INET, SOCK_DGRAM, 0);
  struct timeval quiet = {.tv_usec = 300000};
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof at;
  if (setsockopt(receiver, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room)) setsockopt(receiver, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  if (setsockopt(sender, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room)) setsockopt(sender, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  setsockopt(receiver, SOL_SOCKET, SO_RCVTIMEO, &quiet, sizeof quiet);
  if (offload && (setsockopt(receiver, SOL_UDP, UDP_GRO, &on, sizeof on) || setsockopt(sender, SOL_UDP, UDP_SEGMENT, &segment, sizeof segment))) return 1;
  if (bind(receiver, (struct sockaddr *)&at, length) || getsockname(receiver, (struct sockaddr *)&at, &length) || connect(sender, (struct sockaddr *)&at, length)) return 1;

  static char buffer[DATAGRAM * SEGMENTS];
  size_t piece = offload ? sizeof buffer : DATAGRAM;
  pthread_t thread;
  pthread_create(&thread, NULL, receive, NULL);
  while (sent < bytes) {
    ssize_t n = send(sender, buffer, piece, 0);
    if (n < 0) return 1;
    sent += n;
  }
  pthread_join(thread, NULL);
  printf("{\"mib_s\":%.1f,\"sent\":%lld,\"received\":%lld}\n", received / (last - first) / 1048576, sent, received);
  return 0;
}
