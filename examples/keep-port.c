/* Version 2, but a SYN that moves keeps its port where that is free at the new address. */
#include "reroute.h"

static int reroute_keep_port(struct inet_timewait_death_row *death_row,
			     struct sock *sk)
{
	int err = inet_hash_connect(death_row, sk);

	if (err) {
		inet_put_port(sk);
		err = inet_hash_connect(death_row, sk);
	}
	return err;
}

#define inet_put_port(sk)
#define inet_hash_connect reroute_keep_port
#include "tcp-rehash.c"
