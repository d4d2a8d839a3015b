import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0020_what_pages_read_out'),
        ('inbox', '0057_muted_conversations'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='OnlineTime',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('began_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(help_text='When they were last seen')),
                ('is_open', models.BooleanField(default=True, help_text='It goes on if they are seen again')),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.account')),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['user', 'ended_at'], name='online_time_by_user'), models.Index(fields=['ended_at'], name='online_time_by_end')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('is_open', True)), fields=('user',), name='one_open_online_time'), models.CheckConstraint(condition=models.Q(('ended_at__gte', models.F('began_at'))), name='online_time_ends_after_it_began')],
            },
        ),
    ]
